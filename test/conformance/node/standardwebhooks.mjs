// standardwebhooks, the specification's own library for Node.
import { Webhook, WebhookVerificationError } from "standardwebhooks";
import { claims } from "./webhooks.js";

claims(Webhook, WebhookVerificationError, "webhook");
