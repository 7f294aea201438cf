// @googlemaps/google-maps-services-js, Google's own client for Node.
import assert from "node:assert/strict";
import test from "node:test";
import { Client } from "@googlemaps/google-maps-services-js";

const base = process.env.LEADLAKE_SANDBOX;
const geocoding = `${base}/google_geocoding/maps/api/geocode/json`;
const places = `${base}/google_places_legacy/maps/api/place`;
const client = new Client({});
const key = "any";
const denver = { lat: 39.7392, lng: -104.9903 };

test("a point has an address, and the address a point", async () => {
  const there = await client.reverseGeocode({ params: { latlng: denver, key }, url: geocoding });
  assert.equal(there.data.status, "OK");
  const address = there.data.results[0].formatted_address;
  const back = await client.geocode({ params: { address, key }, url: geocoding });
  assert.equal(back.data.status, "OK");
  assert.equal(typeof back.data.results[0].geometry.location.lat, "number");
});

test("nowhere is ZERO_RESULTS", async () => {
  const nowhere = await client.geocode({ params: { address: "zzzz qqqq 99999", key }, url: geocoding });
  assert.deepEqual([nowhere.data.status, nowhere.data.results.length], ["ZERO_RESULTS", 0]);
});

test("a wrong key is denied, which this client makes an error of", async () => {
  const denied = client.geocode({ params: { address: "Denver", key: "invalid" }, url: geocoding });
  await assert.rejects(denied, (error) => error.response.data.status === "REQUEST_DENIED");
});

test("a text search finds places, and details know them", async () => {
  const found = await client.textSearch({ params: { query: "plumber in Denver", key }, url: `${places}/textsearch/json` });
  assert.equal(found.data.status, "OK");
  assert.equal(found.data.results.length, 20);
  assert.ok(found.data.next_page_token);
  const { place_id, name } = found.data.results[0];
  const details = await client.placeDetails({
    params: { place_id, fields: ["place_id", "name"], key },
    url: `${places}/details/json`,
  });
  assert.deepEqual(details.data.result, { place_id, name });
});

test("nearby places come by distance", async () => {
  const near = await client.placesNearby({
    params: { location: denver, rankby: "distance", type: "plumber", key },
    url: `${places}/nearbysearch/json`,
  });
  assert.equal(near.data.status, "OK");
  const distance = (place) => {
    const { lat, lng } = place.geometry.location;
    return Math.hypot(lat - denver.lat, (lng - denver.lng) * Math.cos((denver.lat * Math.PI) / 180));
  };
  const distances = near.data.results.map(distance);
  for (let i = 1; i < distances.length; i++) assert.ok(distances[i] >= distances[i - 1] * 0.99);
});
