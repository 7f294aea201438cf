"""peopledatalabs, PDL's own client for Python."""

import unittest

from peopledatalabs import PDLPY

import sandbox


def client(key="k" * 64):
    return PDLPY(api_key=key, base_path=sandbox.BASE + "/pdl/v5")


class PDL(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.pdl = client()
        query = {"bool": {"must": [{"term": {"location.country": "united states"}}]}}
        found = cls.pdl.company.search(query=query, size=10)
        assert found.status_code == 200, found.text
        cls.found = found.json()

    def test_a_search_gives_as_many_companies_as_it_bills(self):
        self.assertEqual(len(self.found["data"]), 10)
        self.assertGreater(self.found["total"], 10)
        self.assertEqual(len({company["id"] for company in self.found["data"]}), 10)

    def test_a_token_goes_on_where_the_page_ended(self):
        query = {"bool": {"must": [{"term": {"location.country": "united states"}}]}}
        following = self.pdl.company.search(query=query, size=10, scroll_token=self.found["scroll_token"]).json()
        first, second = ({company["id"] for company in page["data"]} for page in (self.found, following))
        self.assertFalse(first & second)

    def test_sql_searches_too(self):
        answer = self.pdl.company.search(sql="SELECT * FROM company WHERE location.country='united states'", size=2)
        self.assertEqual((answer.status_code, len(answer.json()["data"])), (200, 2))

    def test_a_company_is_enriched_flat(self):
        company = next(company for company in self.found["data"] if company["website"])
        answer = self.pdl.company.enrichment(website=company["website"])
        self.assertEqual(answer.status_code, 200)
        self.assertEqual(answer.json()["id"], company["id"])
        self.assertGreaterEqual(answer.json()["likelihood"], 1)

    def test_nothing_known_is_404(self):
        answer = self.pdl.company.enrichment(website="nowhere.example")
        self.assertEqual((answer.status_code, answer.json()["status"]), (404, 404))
        self.assertIn("not_found", answer.json()["error"]["type"])

    def test_answers_tell_what_was_spent(self):
        company = next(company for company in self.found["data"] if company["website"])
        header = self.pdl.company.enrichment(website=company["website"]).headers
        self.assertEqual(header["x-call-credits-spent"].split(".")[0], "1")

    def test_keys_are_refused_as_pdl_does(self):
        for key, status in (("invalid", 401), ("nocredit", 402)):
            answer = client(key).company.enrichment(website="nowhere.example")
            self.assertEqual(answer.status_code, status)


if __name__ == "__main__":
    unittest.main()
