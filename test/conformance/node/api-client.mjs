// @hubspot/api-client, HubSpot's own client for Node.
import assert from "node:assert/strict";
import test, { beforeEach } from "node:test";
import { Client } from "@hubspot/api-client";

const base = process.env.LEADLAKE_SANDBOX;
const client = (accessToken = "t") => new Client({ accessToken, basePath: `${base}/hubspot`, numberOfApiCallRetries: 0 });
const control = (what, body = {}) => fetch(`${base}/__crm__/${what}`, { method: "POST", body: JSON.stringify(body) });
const entry = (id, properties = {}, objectWriteTraceId = undefined) => ({ id, idProperty: "email", properties, objectWriteTraceId });

beforeEach(() => control("reset"));

test("an upsert creates and then updates", async () => {
  const { batchApi } = client().crm.contacts;
  const first = await batchApi.upsert({ inputs: [entry("ann@firm.example", { firstname: "Ann" })] });
  const again = await batchApi.upsert({ inputs: [entry("ann@firm.example", { firstname: "Anna" })] });
  assert.deepEqual([first.results[0]._new, again.results[0]._new], [true, false]);
  assert.equal(first.results[0].id, again.results[0].id);
});

test("a bad entry with a trace id fails alone", async () => {
  const { batchApi } = client().crm.contacts;
  const answer = await batchApi.upsert({ inputs: [entry("a@firm.example", {}, "k1"), entry("b@firm.example", { leadlake_score: "high" }, "k2")] });
  assert.equal(answer.numErrors, 1);
  assert.deepEqual(answer.errors[0].context.objectWriteTraceId, ["k2"]);
});

test("companies are upserted by our own unique property", async () => {
  const { batchApi } = client().crm.companies;
  const inputs = [{ id: "ll-1", idProperty: "leadlake_id", properties: { name: "Firm", domain: "firm.example" } }];
  const [made] = (await batchApi.upsert({ inputs })).results;
  assert.equal(made.properties.leadlake_id, "ll-1");
});

test("a stage moves forward only", async () => {
  const { batchApi, basicApi } = client().crm.contacts;
  const stage = async (lifecyclestage) => {
    const { results } = await batchApi.upsert({ inputs: [entry("a@firm.example", { lifecyclestage })] });
    return (await basicApi.getById(results[0].id, ["lifecyclestage"])).properties.lifecyclestage;
  };
  assert.equal(await stage("opportunity"), "opportunity");
  assert.equal(await stage("lead"), "opportunity");
  await stage("");
  assert.equal(await stage("lead"), "lead");
});

test("search finds what changed since, once it has caught up", async () => {
  const { batchApi, searchApi } = client().crm.contacts;
  await batchApi.upsert({ inputs: [entry("a@firm.example"), entry("b@firm.example")] });
  await control("clock", { advance: "1m" });
  const found = await searchApi.doSearch({
    filterGroups: [{ filters: [{ propertyName: "lastmodifieddate", operator: "GTE", value: "1000" }] }],
    sorts: ["lastmodifieddate"], properties: ["email"], limit: 1, after: "0",
  });
  assert.equal(found.total, 2);
  assert.equal(found.paging.next.after, "1");
});

test("limits and tokens are refused as HubSpot does", async () => {
  await control("faults", { app: "hubspot", storm_429: 1, times: 1, storm_calls: 1 });
  await assert.rejects(client().crm.contacts.basicApi.getPage(), (error) => error.code === 429 && /TEN_SECONDLY_ROLLING/.test(JSON.stringify(error.body)));
  await assert.rejects(client("invalid").crm.contacts.basicApi.getPage(), (error) => error.code === 401);
});
