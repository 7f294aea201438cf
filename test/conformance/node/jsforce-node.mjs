// jsforce, Salesforce's own client for Node.
import assert from "node:assert/strict";
import test, { beforeEach } from "node:test";
import jsforce from "@jsforce/jsforce-node";

const base = process.env.LEADLAKE_SANDBOX;
const key = "Leadlake_Id__c";
const connect = (accessToken = "t") => new jsforce.Connection({ instanceUrl: base, accessToken, version: "62.0", maxRequest: 200 });
const control = (what, body = {}) => fetch(`${base}/__crm__/${what}`, { method: "POST", body: JSON.stringify(body) });
const leads = (n) => Array.from({ length: n }, (_, i) => ({ [key]: `j${String(i).padStart(4, "0")}`, LastName: "Doe", Company: `Firm ${i}` }));

beforeEach(() => control("reset"));

test("client credentials open a session", async () => {
  const connection = new jsforce.Connection({ version: "62.0", oauth2: { loginUrl: base, clientId: "key", clientSecret: "secret" } });
  await connection.authorize({ grant_type: "client_credentials" });
  assert.equal((await connection.query("SELECT Id FROM Lead")).totalSize, 0);
});

test("a collection is upserted twice and makes each lead once", async () => {
  const connection = connect();
  for (const created of [true, false]) {
    const results = await connection.sobject("Lead").upsert(leads(450), key, { allowRecursive: true });
    assert.equal(results.length, 450);
    assert.ok(results.every((result) => result.success && result.created === created));
  }
  const effects = await (await fetch(`${base}/__crm__/effects`)).json();
  assert.equal(effects.salesforce.Lead.creates, 450);
});

test("one bad record of a collection fails alone", async () => {
  const rows = leads(3);
  rows[1].Industry = "Nonsense";
  const results = await connect().sobject("Lead").upsert(rows, key);
  assert.deepEqual(results.map((result) => result.success), [true, false, true]);
  assert.equal(results[1].errors[0].statusCode, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST");
});

test("a duplicate rule refuses, and allowSave overrides it", async () => {
  await control("edit", { app: "salesforce", op: "duplicate_rule", values: ["Email"] });
  const lead = (n) => [{ ...leads(n)[n - 1], Email: "info@firm.example" }];
  const sobject = connect().sobject("Lead");
  await sobject.upsert(lead(1), key);
  const [refused] = await sobject.upsert(lead(2), key);
  assert.equal(refused.errors[0].statusCode, "DUPLICATES_DETECTED");
  const [saved] = await sobject.upsert(lead(2), key, { headers: { "Sforce-Duplicate-Rule-Header": "allowSave=true" } });
  assert.equal(saved.success, true);
});

test("a query fetches all its pages", async () => {
  const connection = connect();
  await connection.sobject("Lead").upsert(leads(450), key, { allowRecursive: true });
  const soql = `SELECT Id, ${key} FROM Lead WHERE IsConverted = false ORDER BY ${key} DESC`;
  const rows = await connection.query(soql, { autoFetch: true, maxFetch: 1000, headers: { "Sforce-Query-Options": "batchSize=200" } });
  assert.equal(rows.records.length, 450);
  assert.equal(rows.records[0][key], "j0449");
});

test("a bulk job loads and tells what failed", async () => {
  const rows = leads(4);
  rows[2].Company = "";
  const results = await connect().bulk2.loadAndWaitForResults({ object: "Lead", operation: "upsert", externalIdFieldName: key, input: rows, pollInterval: 100 });
  assert.equal(results.successfulResults.length, 3);
  assert.match(results.failedResults[0].sf__Error, /^REQUIRED_FIELD_MISSING:/);
  assert.equal(results.unprocessedRecords.length, 0);
});

test("a converted lead and a deleted one cannot be updated", async () => {
  const connection = connect();
  const [converted, deleted] = await connection.sobject("Lead").upsert(leads(2), key);
  await control("edit", [{ app: "salesforce", op: "convert", id: converted.id }, { app: "salesforce", op: "delete", id: deleted.id }]);
  const results = await connection.sobject("Lead").update([converted, deleted].map(({ id }) => ({ Id: id, Title: "Owner" })));
  assert.deepEqual(results.map((result) => result.errors[0].statusCode), ["CANNOT_UPDATE_CONVERTED_LEAD", "ENTITY_IS_DELETED"]);
  const row = await connection.sobject("Lead").retrieve(converted.id);
  assert.ok(row.ConvertedContactId && row.ConvertedOpportunityId);
});

test("a session that ended is an error with Salesforce's code", async () => {
  await assert.rejects(connect("expired").query("SELECT Id FROM Lead"), (error) => error.errorCode === "INVALID_SESSION_ID");
  await assert.rejects(connect().query("SELECT Nonsense FROM Lead"), (error) => error.errorCode === "INVALID_FIELD");
});
