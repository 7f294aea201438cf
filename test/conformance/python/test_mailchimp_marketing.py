"""mailchimp-marketing, Mailchimp's own client for Python."""

import hashlib
import io
import json
import tarfile
import unittest

import requests
from mailchimp_marketing import Client
from mailchimp_marketing.api_client import ApiClientError

import sandbox

LIST = "a1b2c3d4e5"
CAMPAIGN = "f0e1d2c3b4"


def client(key="key-us1"):
    api = Client({"api_key": key, "server": "us1"})
    api.api_client.host = sandbox.BASE + "/mailchimp/3.0"
    return api


def digest(mail):
    return hashlib.md5(mail.lower().encode()).hexdigest()


def control(what, **body):
    requests.post(f"{sandbox.BASE}/__crm__/{what}", json=body, timeout=10).raise_for_status()


class Mailchimp(unittest.TestCase):
    def setUp(self):
        control("reset")
        self.api = client()

    def put(self, mail, status="subscribed", **fields):
        body = {"email_address": mail, "status_if_new": status, "merge_fields": fields}
        return self.api.lists.set_list_member(LIST, digest(mail), body)

    def refused(self, call, *args):
        with self.assertRaises(ApiClientError) as caught:
            call(*args)
        return caught.exception.status_code, json.loads(caught.exception.text)

    def test_the_door_is_open(self):
        self.assertEqual(self.api.ping.get(), {"health_status": "Everything's Chimpy!"})
        status, text = self.refused(client("invalid-us1").ping.get)
        self.assertEqual((status, text["title"]), (401, "API Key Invalid"))

    def test_a_put_creates_and_then_updates(self):
        first = self.put("Ann@firm.example", "pending", FNAME="Ann", LEADID="ld_1")
        again = self.put("ann@firm.example", "subscribed", FNAME="Anna")
        self.assertEqual((first["id"], first["status"]), (digest("ann@firm.example"), "pending"))
        self.assertEqual((again["status"], again["merge_fields"]["FNAME"], again["merge_fields"]["LEADID"]), ("pending", "Anna", "ld_1"))
        self.assertEqual(self.api.lists.get_list_member(LIST, digest("ann@firm.example"))["full_name"], "Anna")

    def test_a_member_can_be_changed_tagged_and_archived(self):
        self.put("ann@firm.example")
        name = digest("ann@firm.example")
        self.assertTrue(self.api.lists.update_list_member(LIST, name, {"vip": True})["vip"])
        self.api.lists.update_list_member_tags(LIST, name, {"tags": [{"name": "tier A", "status": "active"}]})
        self.assertEqual([tag["name"] for tag in self.api.lists.get_list_member_tags(LIST, name)["tags"]], ["tier A"])
        self.api.lists.delete_list_member(LIST, name)
        self.assertEqual(self.api.lists.get_list_member(LIST, name)["status"], "archived")

    def test_who_left_cannot_be_subscribed(self):
        self.put("ann@firm.example")
        control("edit", app="mailchimp", op="unsubscribe", key="ann@firm.example")
        status, text = self.refused(self.api.lists.update_list_member, LIST, digest("ann@firm.example"), {"status": "subscribed"})
        self.assertEqual((status, text["title"]), (400, "Member In Compliance State"))

    def test_who_was_forgotten_stays_away(self):
        self.put("ann@firm.example")
        self.api.lists.delete_list_member_permanent(LIST, digest("ann@firm.example"))
        status, text = self.refused(self.put, "ann@firm.example")
        self.assertEqual((status, text["title"]), (400, "Forgotten Email Not Subscribed"))

    def test_merge_fields_have_types(self):
        described = self.api.lists.get_list_merge_fields(LIST, count=100)["merge_fields"]
        self.assertEqual({field["tag"]: field["type"] for field in described}["RATING"], "number")
        with self.assertRaises(ApiClientError) as caught:
            self.put("ann@firm.example", RATING="good")
        self.assertEqual(json.loads(caught.exception.text)["errors"], [{"field": "RATING", "message": "Please enter a number"}])
        self.assertEqual(self.api.lists.add_list_merge_field(LIST, {"name": "Owner", "type": "text", "tag": "OWNER"})["tag"], "OWNER")
        self.assertEqual(self.put("ann@firm.example", OWNER="Lee")["merge_fields"]["OWNER"], "Lee")

    def test_a_batch_of_members_tells_the_bad_one(self):
        self.put("ann@firm.example")
        members = [{"email_address": mail, "status": "subscribed"} for mail in ("ann@firm.example", "bob@firm.example", "nope")]
        answer = self.api.lists.batch_list_members(LIST, {"members": members, "update_existing": True})
        self.assertEqual((answer["total_created"], answer["total_updated"], answer["error_count"]), (1, 1, 1))
        self.assertEqual(answer["errors"][0]["email_address"], "nope")

    def test_a_batch_of_calls_has_an_archive_of_answers(self):
        def operation(mail):
            body = json.dumps({"email_address": mail, "status_if_new": "subscribed"})
            return {"method": "PUT", "path": f"/lists/{LIST}/members/{digest(mail)}", "operation_id": mail, "body": body}

        started = self.api.batches.start({"operations": [operation("ann@firm.example"), operation("fake@firm.example")]})
        for _ in range(5):
            state = self.api.batches.status(started["id"])
            if state["status"] == "finished":
                break
        self.assertEqual((state["finished_operations"], state["errored_operations"]), (2, 1))
        archive = requests.get(state["response_body_url"], timeout=10).content
        answers = []
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as files:
            for member in files:
                if member.isfile():
                    answers += json.load(files.extractfile(member))
        self.assertEqual({answer["operation_id"]: answer["status_code"] for answer in answers}, {"ann@firm.example": 200, "fake@firm.example": 400})

    def test_lists_are_paged_and_reports_are_read(self):
        for i in range(25):
            self.put(f"p{i}@firm.example")
        seen = set()
        for offset in range(0, 30, 10):
            page = self.api.lists.get_list_members_info(LIST, count=10, offset=offset, fields=["members.email_address", "total_items"])
            self.assertEqual(page["total_items"], 25)
            seen |= {member["email_address"] for member in page["members"]}
        self.assertEqual(len(seen), 25)
        control("clock", advance="720h")
        self.assertEqual(self.api.reports.get_campaign_recipients(CAMPAIGN, count=1)["total_items"], 25)
        activity = self.api.reports.get_email_activity_for_campaign(CAMPAIGN, count=100)["emails"]
        self.assertTrue(any(one["activity"] for one in activity))


if __name__ == "__main__":
    unittest.main()
