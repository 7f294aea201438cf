// @mailchimp/mailchimp_marketing, Mailchimp's own client for Node.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import test, { beforeEach } from "node:test";

const require = createRequire(import.meta.url);
const mailchimp = require("@mailchimp/mailchimp_marketing");
const base = process.env.LEADLAKE_SANDBOX;
mailchimp.setConfig({ apiKey: "key-us1", server: "us1" });
require("@mailchimp/mailchimp_marketing/src/ApiClient.js").instance.basePath = `${base}/mailchimp/3.0`;

const list = "a1b2c3d4e5";
const digest = (mail) => createHash("md5").update(mail.toLowerCase()).digest("hex");
const put = (mail, fields = {}) =>
  mailchimp.lists.setListMember(list, digest(mail), { email_address: mail, status_if_new: "subscribed", merge_fields: fields });
const control = (what, body) => fetch(`${base}/__crm__/${what}`, { method: "POST", body: JSON.stringify(body) });

beforeEach(() => control("reset", {}));

test("the door is open", async () => {
  assert.deepEqual(await mailchimp.ping.get(), { health_status: "Everything's Chimpy!" });
});

test("a put creates and then updates", async () => {
  const first = await put("Ann@firm.example", { FNAME: "Ann", LEADID: "ld_1" });
  const again = await put("ann@firm.example", { FNAME: "Anna" });
  assert.equal(first.id, again.id);
  assert.deepEqual([again.merge_fields.FNAME, again.merge_fields.LEADID], ["Anna", "ld_1"]);
});

test("a wrong merge field is a 400 with the field's name", async () => {
  await assert.rejects(put("ann@firm.example", { RATING: "good" }), (error) => {
    assert.equal(error.status, 400);
    assert.equal(error.response.body.errors[0].field, "RATING");
    return true;
  });
});

test("who left cannot be subscribed", async () => {
  await put("ann@firm.example");
  await control("edit", { app: "mailchimp", op: "unsubscribe", key: "ann@firm.example" });
  const again = mailchimp.lists.updateListMember(list, digest("ann@firm.example"), { status: "subscribed" });
  await assert.rejects(again, (error) => error.response.body.title === "Member In Compliance State");
});

test("a batch of members tells the bad one", async () => {
  const members = ["ann@firm.example", "nope"].map((mail) => ({ email_address: mail, status: "subscribed" }));
  const answer = await mailchimp.lists.batchListMembers(list, { members, update_existing: true });
  assert.deepEqual([answer.total_created, answer.error_count], [1, 1]);
});

test("a batch of calls ends", async () => {
  const started = await mailchimp.batches.start({ operations: [{ method: "GET", path: "/ping" }] });
  let state = await mailchimp.batches.status(started.id);
  for (let i = 0; i < 5 && state.status !== "finished"; i++) state = await mailchimp.batches.status(started.id);
  assert.deepEqual([state.status, state.errored_operations], ["finished", 0]);
});

test("members that changed since a time are listed", async () => {
  await put("ann@firm.example");
  const members = async (sinceLastChanged) => (await mailchimp.lists.getListMembersInfo(list, { sinceLastChanged, count: 100 })).members;
  assert.equal((await members("2020-01-01T00:00:00Z")).length, 1);
  assert.equal((await members("2999-01-01T00:00:00Z")).length, 0);
});
