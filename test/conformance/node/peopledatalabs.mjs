// peopledatalabs, PDL's own client for Node.
import assert from "node:assert/strict";
import test from "node:test";
import PDLJS from "peopledatalabs";

const basePath = `${process.env.LEADLAKE_SANDBOX}/pdl/v5`;
const pdl = new PDLJS({ apiKey: "k".repeat(64), basePath });
const searchQuery = { query: { bool: { must: [{ term: { "location.country": "united states" } }] } } };

test("a search pages by its token", async () => {
  const first = await pdl.company.search.elastic({ searchQuery, size: 5 });
  const second = await pdl.company.search.elastic({ searchQuery, size: 5, scroll_token: first.scroll_token });
  const ids = [...first.data, ...second.data].map((company) => company.id);
  assert.equal(new Set(ids).size, 10);
});

test("a company is found by its website, and the limit is told", async () => {
  const { data } = await pdl.company.search.elastic({ searchQuery, size: 20 });
  const company = data.find((one) => one.website);
  const same = await pdl.company.enrichment({ website: company.website });
  assert.equal(same.id, company.id);
  assert.ok(same.rateLimit, "the client reads the limits from the headers");
});

test("nothing known is an error with status 404", async () => {
  await assert.rejects(pdl.company.enrichment({ website: "nowhere.example" }), (error) => error.status === 404);
});

test("credits that are used up are an error with status 402", async () => {
  const fault = { provider: "pdl", status: 402, times: 1 };
  await fetch(`${process.env.LEADLAKE_SANDBOX}/__sandbox/faults`, { method: "POST", body: JSON.stringify(fault) });
  await assert.rejects(pdl.company.enrichment({ website: "nowhere.example" }), (error) => error.status === 402);
});
