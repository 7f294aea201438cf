"""What the two verifiers of signed webhooks are asked, since they share a form."""

import json
import os
import time
import uuid
from datetime import datetime, timezone

import requests

import sandbox

RECEIVER = sandbox.BASE + "/webhook/default"
SECRET = "whsec_bGVhZGxha2Utc2FuZGJveC13ZWJob29rLXNlY3JldA=="
BODY = '{"type": "lead.published", "data": {"lead_id": "ld_1", "name": "Caf\u00e9"}}'


def sent():
    """The webhooks that leadlake signed just now."""
    with open(os.environ["LEADLAKE_SIGNED"], encoding="utf-8") as file:
        return json.load(file)


def signed(webhook_class, prefix):
    """The headers of a webhook that the library signs."""
    now = datetime.now(timezone.utc)
    name = f"msg_{uuid.uuid4().hex}"
    signature = webhook_class(SECRET).sign(name, now, BODY)
    return {f"{prefix}-id": name, f"{prefix}-timestamp": str(int(now.timestamp())), f"{prefix}-signature": signature}


def deliver(headers, body=BODY):
    """The status of the sandbox's receiver."""
    return requests.post(RECEIVER, data=body.encode(), headers=headers, timeout=10).status_code


class Claims:
    """The tests; a class that has Webhook, Refusal and prefix runs them."""

    def test_it_verifies_what_leadlake_signs(self):
        webhooks = sent()
        self.assertGreater(len(webhooks), 2)
        for one in webhooks:
            verify = self.Webhook(one["secret"]).verify
            if one["valid"]:
                verify(one["body"], one["headers"])
            else:
                with self.assertRaises(self.Refusal, msg=one["why"]):
                    verify(one["body"], one["headers"])

    def test_the_receiver_verifies_what_it_signs(self):
        self.assertEqual(deliver(signed(self.Webhook, self.prefix)), 204)

    def test_the_receiver_refuses_another_body(self):
        self.assertEqual(deliver(signed(self.Webhook, self.prefix), BODY.replace(" ", "")), 401)

    def test_the_receiver_refuses_an_old_timestamp(self):
        headers = signed(self.Webhook, self.prefix)
        headers[f"{self.prefix}-timestamp"] = str(int(time.time()) - 301)
        self.assertEqual(deliver(headers), 400)
