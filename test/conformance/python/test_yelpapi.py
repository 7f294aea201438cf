"""yelpapi, an independent client of Yelp Fusion."""

import unittest

import requests
from yelpapi import YelpAPI, yelpapi

import sandbox

for constant in [name for name in dir(yelpapi) if name.endswith("_API_URL")]:
    address = getattr(yelpapi, constant).replace("https://api.yelp.com", sandbox.BASE + "/yelp")
    setattr(yelpapi, constant, address)

KEY = "k" * 128  # the shape of Yelp's keys


class Yelp(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.yelp = YelpAPI(KEY)
        cls.known = set(sandbox.keys("yelp"))

    @classmethod
    def tearDownClass(cls):
        cls.yelp.close()

    def search(self, **asked):
        return self.yelp.search_query(**({"term": "plumber", "location": "Denver, CO"} | asked))

    def test_a_search_finds_businesses_of_this_world(self):
        found = self.search(limit=50)
        self.assertEqual(len(found["businesses"]), 50)
        self.assertGreaterEqual(found["total"], 50)
        for business in found["businesses"]:
            self.assertIn(business["id"], self.known)
            self.assertIsInstance(business["coordinates"]["latitude"], float)
            self.assertNotIn("website", business)

    def test_pages_end_at_240_however_large_the_total(self):
        seen = {b["id"] for offset in (0, 50, 100) for b in self.search(limit=50, offset=offset)["businesses"]}
        self.assertLessEqual(seen, self.known)
        with self.assertRaises(requests.HTTPError) as refused:
            self.search(limit=50, offset=200)
        self.assertEqual(refused.exception.response.status_code, 400)
        self.assertEqual(refused.exception.response.json()["error"]["code"], "VALIDATION_ERROR")

    def test_a_point_and_a_radius_work_as_a_place(self):
        found = self.yelp.search_query(latitude=39.7392, longitude=-104.9903, radius=3000, categories="plumbing")
        self.assertTrue(found["businesses"])

    def test_details_and_phone_lead_back_to_the_business(self):
        business = next(b for b in self.search(limit=50)["businesses"] if b["phone"])
        self.assertEqual(self.yelp.business_query(id=business["id"])["name"], business["name"])
        same = self.yelp.phone_search_query(phone=business["phone"])["businesses"]
        self.assertIn(business["id"], [b["id"] for b in same])

    def test_a_match_needs_name_and_address(self):
        business = next(b for b in self.search(limit=50)["businesses"] if b["location"]["address1"])
        place = business["location"]
        matches = self.yelp.business_match_query(
            name=business["name"], address1=place["address1"], city=place["city"], state=place["state"], country=place["country"],
        )
        self.assertEqual(matches["businesses"][0]["id"], business["id"])

    def test_an_unknown_business_is_404(self):
        with self.assertRaises(requests.HTTPError) as unknown:
            self.yelp.business_query(id="nosuchbusinessinyelp00")
        self.assertEqual(unknown.exception.response.json()["error"]["code"], "BUSINESS_NOT_FOUND")

    def test_a_key_of_the_wrong_shape_is_400(self):
        with YelpAPI("short") as yelp, self.assertRaises(requests.HTTPError) as refused:
            yelp.search_query(location="Denver, CO")
        self.assertEqual(refused.exception.response.status_code, 400)


if __name__ == "__main__":
    unittest.main()
