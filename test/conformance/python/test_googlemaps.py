"""googlemaps, Google's own client of the older web services."""

import time
import unittest

import googlemaps
from googlemaps.exceptions import ApiError

import sandbox

KEY = "AIzaSandbox"  # the client asks for the beginning
DENVER = (39.7392, -104.9903)


class Geocoding(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.maps = googlemaps.Client(key=KEY, base_url=sandbox.BASE + "/google_geocoding")

    def test_an_address_has_a_point(self):
        street, city, state, postal = sandbox.address()
        best = self.maps.geocode(f"{street}, {city}, {state} {postal}")[0]
        self.assertEqual(set(best["geometry"]["location"]), {"lat", "lng"})
        self.assertTrue(best["place_id"])
        parts = {kind: part["short_name"] for part in best["address_components"] for kind in part["types"]}
        self.assertEqual((parts["administrative_area_level_1"], parts["country"]), (state, "US"))

    def test_components_restrict(self):
        street, city, _, _ = sandbox.address()
        self.assertTrue(self.maps.geocode(f"{street}, {city}", components={"country": "US"}))

    def test_nowhere_is_an_empty_list(self):
        self.assertEqual(self.maps.geocode("zzzz qqqq 99999"), [])

    def test_a_point_has_an_address(self):
        self.assertTrue(self.maps.reverse_geocode(DENVER)[0]["formatted_address"])

    def test_a_request_without_a_place_is_invalid(self):
        with self.assertRaises(ApiError) as refused:
            self.maps.geocode(language="en")
        self.assertEqual(refused.exception.status, "INVALID_REQUEST")


class LegacyPlaces(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.maps = googlemaps.Client(key=KEY, base_url=sandbox.BASE + "/google_places_legacy")

    def page(self, token):
        """Asks until the token is valid, which takes about two seconds."""
        for _ in range(12):
            try:
                return self.maps.places("plumber", page_token=token)
            except ApiError as early:
                self.assertEqual(early.status, "INVALID_REQUEST")
                time.sleep(0.5)
        raise AssertionError("the token never became valid")

    def test_a_text_search_pages_to_sixty(self):
        answer = self.maps.places("plumber", location=DENVER, radius=40000)
        found = answer["results"]
        pages = 1
        while "next_page_token" in answer:
            with self.assertRaises(ApiError):  # too early
                self.maps.places("plumber", page_token=answer["next_page_token"])
            answer = self.page(answer["next_page_token"])
            found += answer["results"]
            pages += 1
        self.assertEqual((len(found), pages), (60, 3))
        self.assertEqual(len({place["place_id"] for place in found}), 60)

    def test_nearby_places_are_near(self):
        answer = self.maps.places_nearby(location=DENVER, radius=3000, type="plumber")
        self.assertTrue(answer["results"])
        for place in answer["results"]:
            self.assertAlmostEqual(place["geometry"]["location"]["lat"], DENVER[0], delta=0.03)

    def test_details_have_the_fields_asked_for(self):
        place_id = self.maps.places("plumber", location=DENVER)["results"][0]["place_id"]
        place = self.maps.place(place_id, fields=["place_id", "name", "formatted_address", "website"])["result"]
        self.assertEqual(place["place_id"], place_id)
        self.assertLessEqual(set(place), {"place_id", "name", "formatted_address", "website"})

    def test_an_unknown_place_is_not_found(self):
        with self.assertRaises(ApiError) as unknown:
            self.maps.place("ChIJnosuchplaceinthisworld0")
        self.assertEqual(unknown.exception.status, "NOT_FOUND")


if __name__ == "__main__":
    unittest.main()
