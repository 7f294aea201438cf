"""simple-salesforce, an independent client for Python, over TLS."""

import datetime
import os
import tempfile
import unittest

import requests

import sandbox

# requests reads the variable at each call, so it is set before the first.
_ca = tempfile.NamedTemporaryFile(suffix=".pem", delete=False)
_ca.write(requests.get(sandbox.BASE + "/__sandbox/ca.pem", timeout=10).content)
_ca.close()
os.environ["REQUESTS_CA_BUNDLE"] = _ca.name

from simple_salesforce import Salesforce, exceptions  # noqa: E402

SECURE = sandbox.BASE.replace("http://", "https://")
KEY = "Leadlake_Id__c"


def client(token="t"):
    return Salesforce(instance_url=SECURE, session_id=token, version="62.0")


def lead(key, **more):
    return {"LastName": "Doe", "Company": "Firm " + key} | more


class SimpleSalesforce(unittest.TestCase):
    def setUp(self):
        requests.post(sandbox.BASE + "/__crm__/reset", timeout=10).raise_for_status()
        self.sf = client()

    @classmethod
    def tearDownClass(cls):
        os.unlink(_ca.name)

    def effects(self):
        return requests.get(sandbox.BASE + "/__crm__/effects", timeout=10).json()["salesforce"]["Lead"]

    def test_an_upsert_creates_and_then_updates(self):
        self.assertEqual(self.sf.Lead.upsert(f"{KEY}/a", lead("a")), 201)
        self.assertEqual(self.sf.Lead.upsert(f"{KEY}/A", lead("a", Title="Owner")), 200)
        row = self.sf.Lead.get_by_custom_id(KEY, "a")
        self.assertEqual((row["Title"], row["Status"]), ("Owner", "Open - Not Contacted"))
        self.assertEqual((self.effects()["creates"], self.effects()["updates"]), (1, 1))

    def test_an_external_id_that_matches_several_is_300(self):
        for key in "ab":
            self.sf.Lead.create(lead(key, Legacy_Id__c="same"))
        with self.assertRaises(exceptions.SalesforceMoreThanOneRecord):
            self.sf.Lead.upsert("Legacy_Id__c/same", lead("c"))

    def test_errors_have_salesforces_codes(self):
        with self.assertRaises(exceptions.SalesforceMalformedRequest) as caught:
            self.sf.Lead.create({"LastName": "Doe"})
        self.assertEqual(caught.exception.content[0]["errorCode"], "REQUIRED_FIELD_MISSING")
        with self.assertRaises(exceptions.SalesforceExpiredSession):
            client("expired").query("SELECT Id FROM Lead")
        with self.assertRaises(exceptions.SalesforceResourceNotFound):
            self.sf.Lead.get("00Q000000000000AAA")

    def test_a_query_goes_on_to_its_end(self):
        rows = [lead(str(i)) | {KEY: f"q{i:04}"} for i in range(2_050)]
        done = self.sf.bulk2.Lead.upsert(records=[{k: str(v) for k, v in row.items()} for row in rows], external_id_field=KEY, wait=0.2)
        self.assertEqual(sum(int(job["numberRecordsProcessed"]) for job in done), 2_050)
        found = self.sf.query_all(f"SELECT Id, {KEY} FROM Lead WHERE {KEY} LIKE 'q%' ORDER BY {KEY}")
        self.assertEqual(found["totalSize"], 2_050)
        self.assertEqual([row[KEY] for row in found["records"]], [f"q{i:04}" for i in range(2_050)])

    def test_a_bulk_job_tells_what_failed(self):
        records = [{KEY: "b1", "LastName": "Doe", "Company": "A"}, {KEY: "b2", "LastName": "Doe", "Company": ""}]
        job = self.sf.bulk2.Lead.upsert(records=records, external_id_field=KEY, wait=0.2)[0]
        self.assertEqual((job["numberRecordsProcessed"], job["numberRecordsFailed"]), (2, 1))
        failed = self.sf.bulk2.Lead.get_failed_records(job["job_id"])
        self.assertIn("REQUIRED_FIELD_MISSING:Required fields are missing: [Company]", failed)
        self.assertIn("b1", self.sf.bulk2.Lead.get_successful_records(job["job_id"]))
        self.assertNotIn("b", self.sf.bulk2.Lead.get_unprocessed_records(job["job_id"]).split("\n", 1)[1])

    def test_a_bulk_query_pages_by_its_locator(self):
        for key in "abc":
            self.sf.Lead.upsert(f"{KEY}/{key}", lead(key))
        pages = list(self.sf.bulk2.Lead.query(f"SELECT {KEY} FROM Lead ORDER BY {KEY}", max_records=2, wait=0.2))
        self.assertEqual([page.split() for page in pages], [[f'"{KEY}"', '"a"', '"b"'], [f'"{KEY}"', '"c"']])

    def test_describe_tells_types_lengths_and_picklists(self):
        fields = {field["name"]: field for field in self.sf.Lead.describe()["fields"]}
        self.assertTrue(fields[KEY]["externalId"] and fields[KEY]["unique"])
        self.assertEqual((fields["Company"]["type"], fields["Company"]["length"], fields["Company"]["nillable"]), ("string", 255, False))
        self.assertIn("Qualified", [value["value"] for value in fields["Status"]["picklistValues"]])

    def test_what_was_updated_and_deleted_is_listed(self):
        made = self.sf.Lead.create(lead("x"))
        gone = self.sf.Lead.create(lead("y"))
        self.assertEqual(self.sf.Lead.delete(gone["id"]), 204)
        clock = requests.get(sandbox.BASE + "/__crm__/clock", timeout=10).json()["now"]
        now = datetime.datetime.fromisoformat(clock[:19] + "+00:00")
        span = (now - datetime.timedelta(hours=1), now + datetime.timedelta(hours=1))
        self.assertEqual(self.sf.Lead.updated(*span)["ids"], [made["id"]])
        self.assertEqual([row["id"] for row in self.sf.Lead.deleted(*span)["deletedRecords"]], [gone["id"]])

    def test_the_quota_is_told(self):
        self.sf.limits()
        self.assertGreater(self.sf.api_usage["api-usage"].total, self.sf.api_usage["api-usage"].used)


if __name__ == "__main__":
    unittest.main()
