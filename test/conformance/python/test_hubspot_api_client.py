"""hubspot-api-client, HubSpot's own client for Python."""

import unittest

import requests
from hubspot import HubSpot
from hubspot.crm import contacts, properties

import sandbox


def client(token="t"):
    return HubSpot(access_token=token, host=sandbox.BASE + "/hubspot")


def entry(mail, trace=None, **values):
    return contacts.SimplePublicObjectBatchInputUpsert(id=mail, id_property="email", properties=values, object_write_trace_id=trace)


def batch(*entries):
    return contacts.BatchInputSimplePublicObjectBatchInputUpsert(inputs=list(entries))


def control(what, **body):
    requests.post(f"{sandbox.BASE}/__crm__/{what}", json=body, timeout=10).raise_for_status()


class HubSpotClient(unittest.TestCase):
    def setUp(self):
        control("reset")
        self.api = client().crm.contacts

    def test_an_upsert_creates_and_then_updates(self):
        first = self.api.batch_api.upsert(batch(entry("ann@firm.example", firstname="Ann")))
        again = self.api.batch_api.upsert(batch(entry("ANN@firm.example", firstname="Anna")))
        self.assertEqual((first.results[0].new, again.results[0].new), (True, False))
        self.assertEqual(first.results[0].id, again.results[0].id)
        self.assertEqual(self.api.basic_api.get_by_id(first.results[0].id).properties["firstname"], "Anna")

    def test_a_bad_entry_with_a_trace_id_fails_alone(self):
        answer = self.api.batch_api.upsert(batch(entry("a@firm.example", "k1"), entry("b@firm.example", "k2", lifecyclestage="nonsense")))
        self.assertEqual((len(answer.results), answer.num_errors), (1, 1))
        self.assertEqual(answer.errors[0].context["objectWriteTraceId"], ["k2"])

    def test_a_bad_entry_without_one_spoils_the_batch(self):
        with self.assertRaises(contacts.ApiException) as caught:
            self.api.batch_api.upsert(batch(entry("a@firm.example"), entry("b@firm.example", nonsense="x")))
        self.assertEqual(caught.exception.status, 400)
        self.assertIn("PROPERTY_DOESNT_EXIST", caught.exception.body)
        self.assertEqual(len(self.api.get_all()), 0)

    def test_an_id_that_comes_twice_spoils_the_batch(self):
        with self.assertRaises(contacts.ApiException) as caught:
            self.api.batch_api.upsert(batch(entry("a@firm.example", "k1"), entry("A@firm.example", "k2")))
        self.assertIn("Duplicate IDs found in batch input", caught.exception.body)

    def test_a_contact_that_exists_is_a_conflict(self):
        values = contacts.SimplePublicObjectInputForCreate(properties={"email": "a@firm.example"}, associations=[])
        made = self.api.basic_api.create(values)
        with self.assertRaises(contacts.ApiException) as caught:
            self.api.basic_api.create(values)
        self.assertEqual(caught.exception.status, 409)
        self.assertIn(f"Existing ID: {made.id}", caught.exception.body)

    def test_search_is_behind(self):
        self.api.batch_api.upsert(batch(entry("a@firm.example", lastname="Doe")))
        ask = contacts.PublicObjectSearchRequest(
            filter_groups=[{"filters": [{"propertyName": "email", "operator": "EQ", "value": "a@firm.example"}]}], limit=10, properties=["lastname"], sorts=[], after="0"
        )
        self.assertEqual(self.api.search_api.do_search(ask).total, 0)
        control("clock", advance="10s")
        self.assertEqual(self.api.search_api.do_search(ask).results[0].properties["lastname"], "Doe")

    def test_all_are_listed_and_read_in_batches(self):
        mails = [f"c{i:03}@firm.example" for i in range(150)]
        for part in (mails[:100], mails[100:]):
            self.api.batch_api.upsert(batch(*(entry(mail) for mail in part)))
        self.assertEqual(len(self.api.get_all()), 150)
        read = contacts.BatchReadInputSimplePublicObjectId(
            inputs=[{"id": mails[0]}, {"id": "nobody@firm.example"}], id_property="email", properties=["email"], properties_with_history=[]
        )
        answer = self.api.batch_api.read(read)
        self.assertEqual(([row.properties["email"] for row in answer.results], answer.num_errors), (mails[:1], 1))

    def test_ids_that_a_merge_ended_go_on_to_answer(self):
        both = self.api.batch_api.upsert(batch(entry("a@firm.example"), entry("b@firm.example"))).results
        merged = self.api.basic_api.merge(contacts.PublicMergeInput(primary_object_id=both[0].id, object_id_to_merge=both[1].id))
        for one in both:
            self.assertEqual(self.api.basic_api.get_by_id(one.id).id, merged.id)

    def test_properties_tell_types_and_options(self):
        api = client().crm.properties.core_api
        all_of_them = {one.name: one for one in api.get_all("contacts").results}
        self.assertTrue(all_of_them["leadlake_id"].has_unique_value)
        self.assertIn("customer", [option.value for option in all_of_them["lifecyclestage"].options])
        made = api.create("contacts", properties.PropertyCreate(name="tier", label="Tier", type="number", field_type="number", group_name="contactinformation"))
        self.assertEqual((made.name, made.modification_metadata.read_only_value), ("tier", False))

    def test_limits_and_tokens_are_refused_as_hubspot_does(self):
        control("faults", app="hubspot", storm_429=1, times=1, storm_calls=1)
        for token, status in (("t", 429), ("invalid", 401), ("noscope", 403)):
            with self.assertRaises(contacts.ApiException) as caught:
                client(token).crm.contacts.basic_api.get_page()
            self.assertEqual(caught.exception.status, status)


if __name__ == "__main__":
    unittest.main()
