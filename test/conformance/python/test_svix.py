"""svix, whose verifiers many receivers use; it knows two families of headers."""

import unittest

from svix.webhooks import Webhook, WebhookVerificationError

import webhooks


class Svix(webhooks.Claims, unittest.TestCase):
    Webhook = Webhook
    Refusal = WebhookVerificationError
    prefix = "svix"


if __name__ == "__main__":
    unittest.main()
