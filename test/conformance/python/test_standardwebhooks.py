"""standardwebhooks, the specification's own library for Python."""

import unittest

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

import webhooks


class StandardWebhooks(webhooks.Claims, unittest.TestCase):
    Webhook = Webhook
    Refusal = WebhookVerificationError
    prefix = "webhook"


if __name__ == "__main__":
    unittest.main()
