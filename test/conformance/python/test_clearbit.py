"""clearbit-python, Clearbit's own client."""

import unittest

import clearbit
import requests
from clearbit.enrichment import Company, Person, PersonCompany

import sandbox

clearbit.key = "any"
Company.endpoint = sandbox.BASE + "/clearbit/v2/companies"
Person.endpoint = sandbox.BASE + "/clearbit/v2/people"
PersonCompany.endpoint = sandbox.BASE + "/clearbit/v2/combined"
clearbit.NameToDomain.endpoint = sandbox.BASE + "/clearbit/v1/domains"


def patiently(find, **asked):
    """Asks again while the answer is being looked up."""
    for _ in range(3):
        answer = find(**asked)
        if answer is None or "pending" not in answer:
            return answer
    raise AssertionError(f"{asked} stays pending")


class Clearbit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.domains = sandbox.keys("clearbit")[:40]

    def test_a_company_is_found_by_its_domain(self):
        for domain in self.domains:
            company = patiently(Company.find, domain=domain)
            self.assertEqual(company["domain"], domain)
            self.assertTrue(company["name"])
            self.assertIs(company["emailProvider"], False)
            self.assertGreater(company["metrics"]["employees"], 0)

    def test_some_lookups_are_pending_at_first(self):
        answers = [Company.find(domain=f"pending{i}.example") for i in range(40)]
        self.assertIn({"pending": True}, answers)
        self.assertIn(None, answers)

    def test_an_unknown_record_is_none(self):
        self.assertIsNone(patiently(Company.find, domain="nowhere.example"))
        self.assertIsNone(patiently(Person.find, email="nobody@nowhere.example"))

    def test_a_name_leads_to_the_domain(self):
        company = patiently(Company.find, domain=self.domains[0])
        self.assertEqual(clearbit.NameToDomain.find(name=company["name"])["domain"], self.domains[0])

    def test_a_person_comes_with_the_company(self):
        both = patiently(clearbit.Enrichment.find, email="nobody@" + self.domains[0])
        self.assertIsNone(both["person"])
        self.assertEqual(both["company"]["domain"], self.domains[0])

    def test_a_wrong_key_is_refused(self):
        for key, status in (("invalid", 401), ("nocredit", 402)):
            with self.assertRaises(requests.HTTPError) as refused:
                Company.find(domain=self.domains[0], key=key)
            self.assertEqual(refused.exception.response.status_code, status)


if __name__ == "__main__":
    unittest.main()
