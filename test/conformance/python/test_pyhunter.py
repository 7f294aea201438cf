"""PyHunter, an independent client of Hunter."""

import unittest

from pyhunter import PyHunter
from pyhunter.exceptions import HunterApiError

import sandbox


def client(key="any", mount="hunter"):
    hunter = PyHunter(key, max_retries=0)
    hunter.base_endpoint = sandbox.BASE + "/" + mount + "/v2/{}"
    return hunter


class Hunter(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.hunter = client()
        counted = ((cls.hunter.email_count(domain)["total"], domain) for domain in sandbox.keys("hunter")[:60])
        cls.total, cls.domain = max(counted)

    def people(self):
        found = self.hunter.domain_search(self.domain, limit=100, emails_type="personal")
        return found["emails"]

    def test_domain_search_lists_what_the_count_promises(self):
        found = self.hunter.domain_search(self.domain, limit=100)
        self.assertEqual(found["domain"], self.domain)
        self.assertEqual(len(found["emails"]), self.total)
        for mail in found["emails"]:
            self.assertTrue(mail["value"].endswith("@" + self.domain))
            self.assertIn(mail["type"], ("personal", "generic"))

    def test_domain_search_pages(self):
        paged = []
        for offset in range(0, self.total, 2):
            paged += self.hunter.domain_search(self.domain, limit=2, offset=offset)["emails"]
        self.assertEqual(paged, self.hunter.domain_search(self.domain, limit=100)["emails"])

    def test_the_finder_knows_who_the_search_lists(self):
        mail = self.people()[0]
        found = self.hunter.email_finder(self.domain, first_name=mail["first_name"], last_name=mail["last_name"])
        self.assertEqual(found, (mail["value"], mail["confidence"]))

    def test_the_finder_gives_null_for_a_stranger(self):
        self.assertEqual(self.hunter.email_finder(self.domain, full_name="Nobody Atall")[0], None)

    def test_the_verifier_takes_two_calls(self):
        mail = self.people()[0]
        first, second = (self.hunter.email_verifier(mail["value"], raw=True) for _ in range(2))
        self.assertEqual((first.status_code, second.status_code), (202, 200))
        self.assertEqual(self.hunter.email_verifier(mail["value"])["email"], mail["value"])

    def test_enrichment_knows_company_and_person(self):
        mail = self.people()[0]
        self.assertEqual(self.hunter.email_enrichment(email=mail["value"])["email"], mail["value"])
        both = self.hunter.combined_enrichment(mail["value"])
        self.assertEqual(both["company"]["domain"], self.domain)
        self.assertEqual(both["person"]["name"]["familyName"], mail["last_name"])

    def test_companies_come_in_clearbits_form_too(self):
        company = client(mount="hunter_companies").company_enrichment(self.domain, clearbit_format="true")
        self.assertIsInstance(company["metrics"]["employees"], int)
        self.assertIsInstance(self.hunter.company_enrichment(self.domain)["metrics"]["employees"], str)

    def test_discover_finds_companies(self):
        found = self.hunter.discover(query="plumbers in Denver", limit=5)
        self.assertEqual(len(found), 5)
        self.assertTrue(all(company["domain"] for company in found))

    def test_the_account_tells_what_is_left(self):
        account = self.hunter.account_information()
        self.assertGreater(account["requests"]["searches"]["available"], 0)
        self.assertEqual(account["calls"]["left"], account["calls"]["available"] - account["calls"]["used"])

    def test_refusals_carry_hunters_own_ids(self):
        for key, code in (("invalid", 401), ("nocredit", 429)):
            with self.assertRaises(HunterApiError) as refused:
                client(key).domain_search(self.domain)
            self.assertEqual(refused.exception.error[0]["code"], code)
        with self.assertRaises(HunterApiError) as wrong:
            self.hunter.domain_search(self.domain, limit=101)
        self.assertEqual(wrong.exception.error[0]["id"], "pagination_error")

    def test_an_objection_is_451(self):
        sandbox.fail_once("hunter", method="email-finder", status=451)
        with self.assertRaises(HunterApiError) as gone:
            self.hunter.email_finder(self.domain, full_name="Ada Sample")
        self.assertEqual(gone.exception.error[0]["code"], 451)


if __name__ == "__main__":
    unittest.main()
