// svix, whose verifiers many receivers use; it knows two families of headers.
import { Webhook, WebhookVerificationError } from "svix";
import { claims } from "./webhooks.js";

claims(Webhook, WebhookVerificationError, "svix");
