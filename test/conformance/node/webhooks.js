// What the two verifiers of signed webhooks are asked, since they share a form.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import test from "node:test";

const receiver = `${process.env.LEADLAKE_SANDBOX}/webhook/default`;
const secret = "whsec_bGVhZGxha2Utc2FuZGJveC13ZWJob29rLXNlY3JldA==";
const body = '{"type": "lead.published", "data": {"lead_id": "ld_1", "name": "Caf\u00e9"}}';

export function claims(Webhook, Refusal, prefix) {
  const signed = (at = new Date()) => {
    const id = `msg_${randomUUID()}`;
    const signature = new Webhook(secret).sign(id, at, body);
    return { [`${prefix}-id`]: id, [`${prefix}-timestamp`]: String(Math.floor(at / 1000)), [`${prefix}-signature`]: signature };
  };
  const deliver = async (headers, text = body) => (await fetch(receiver, { method: "POST", headers, body: text })).status;

  test("it verifies what leadlake signs", () => {
    const webhooks = JSON.parse(readFileSync(process.env.LEADLAKE_SIGNED, "utf8"));
    assert.ok(webhooks.length > 2);
    for (const one of webhooks) {
      const verify = () => new Webhook(one.secret).verify(one.body, one.headers);
      if (one.valid) verify();
      else assert.throws(verify, Refusal, one.why);
    }
  });

  test("the receiver verifies what it signs", async () => {
    assert.equal(await deliver(signed()), 204);
  });

  test("the receiver refuses another body", async () => {
    assert.equal(await deliver(signed(), body.replaceAll(" ", "")), 401);
  });

  test("the receiver refuses an old timestamp", async () => {
    assert.equal(await deliver(signed(new Date(Date.now() - 301_000))), 400);
  });
}
