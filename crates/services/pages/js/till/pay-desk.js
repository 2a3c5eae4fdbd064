// Paying: the split that was shown, a fresh code, the receipt; and taking it back.

import { ApiProblem, getJson, postJson, postOnce } from "../api.js";
import { byId, element } from "../dom.js";
import { wallTime, yuan } from "../format.js";
import { onLanguage, t } from "../i18n.js";

/** After these the bill has another split, and can be paid by that with another code. */
const CHANGED = ["presettlement_stale", "presettlement_expired", "account_insufficient", "bill_unknown"];
/** How long the till must be asked twice before it takes a payment back [ms]. */
const SURE_MS = 6_000;

export class PayDesk {
  #sheet;
  #outcome;
  #onChange;
  /** The bill on the desk: `{ bill, presettlement?, settlement?, split, trace, expires?, policy? }`. */
  #open = null;
  #busy = false;
  /** The camera sees a code for as long as it is held before it. */
  #lastCode = null;
  #sure = null;

  constructor(sheet, outcome, onChange) {
    [this.#sheet, this.#outcome, this.#onChange] = [sheet, outcome, onChange];
    byId("pay").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#pay(byId("code").value.trim());
    });
    byId("code").addEventListener("keydown", (event) => {
      // A hand scanner types the code and ends it with Enter.
      if (event.key !== "Enter") return;
      event.preventDefault();
      this.#pay(byId("code").value.trim());
    });
    byId("refund").addEventListener("click", () => this.#refund());
    byId("reverse").addEventListener("click", () => this.#reverse());
    onLanguage(() => this.#draw());
    this.#draw();
  }

  close() {
    this.#open = null;
    this.#outcome.clear();
    this.#sheet.clear();
    this.#draw();
  }

  /** Takes a bill to the desk, and looks how far it is. */
  async open(id) {
    this.#outcome.clear();
    await this.#guarded(() => this.#load(id));
    byId("bill-title").focus();
  }

  /** The camera read a code. */
  scanned(code) {
    if (code === this.#lastCode || !this.#open?.presettlement) return;
    this.#lastCode = code;
    this.#pay(code);
  }

  async #load(id, before) {
    const { bill, state } = await getJson(`/v1/bills/${id}`);
    const paid = state.settled ?? state.reversed;
    this.#open = paid ? await receiptOf(bill, paid, state) : await payableOf(bill, before);
    this.#draw();
  }

  async #pay(code) {
    if (!this.#open?.presettlement || code === "") return;
    const { bill, presettlement, split } = this.#open;
    await this.#guarded(async () => {
      byId("code").value = "";
      try {
        await postJson(`/api/till/bills/${bill.id}/settle`, { code, presettlement });
        this.#outcome.done("till.settled", () => ({ total: yuan(split.total) }));
        await this.#load(bill.id);
      } catch (error) {
        if (!(error instanceof ApiProblem)) throw error;
        this.#outcome.problem(error);
        // Also after silence: the payer knows what became of it.
        await this.#load(bill.id, CHANGED.includes(error.code) ? split : undefined);
      }
    });
    byId("code").focus();
  }

  #refund() {
    const lines = this.#sheet.refundLines();
    if (lines.length === 0) {
      byId("lines").querySelector("input")?.focus();
      return;
    }
    this.#takeBack("refund", { lines });
  }

  /** Asked twice: what is taken back as a whole is not paid again. */
  #reverse() {
    if (this.#sure === null) {
      this.#sure = setTimeout(() => this.#unsure(), SURE_MS);
      this.#draw();
      return;
    }
    this.#unsure();
    this.#takeBack("reverse");
  }

  #unsure() {
    clearTimeout(this.#sure);
    this.#sure = null;
    this.#draw();
  }

  #takeBack(how, body) {
    const { bill, settlement } = this.#open;
    return this.#guarded(async () => {
      await postOnce(`/v1/settlements/${settlement}/${how}`, body);
      this.#outcome.done(`till.done.${how}`);
      await this.#load(bill.id);
    });
  }

  /** One thing at a time; what goes wrong is told. */
  async #guarded(work) {
    if (this.#busy) return;
    this.#busy = true;
    this.#draw();
    try {
      await work();
    } catch (error) {
      this.#outcome.problem(error);
    } finally {
      this.#busy = false;
      this.#draw();
      this.#onChange();
    }
  }

  #draw() {
    const open = this.#open;
    byId("payable").hidden = !open?.presettlement;
    byId("receipt").hidden = !open?.settlement;
    for (const id of ["pay-button", "refund", "reverse"]) byId(id).disabled = this.#busy;
    if (open === null) return;
    this.#sheet.show(open);
    if (open.presettlement) this.#drawPayable(open);
    if (open.settlement) this.#drawReceipt(open);
  }

  #drawPayable({ expires, emv, split }) {
    byId("valid").textContent = t("till.valid", { time: wallTime(expires) });
    byId("cash").hidden = !emv;
    if (!emv) return;
    byId("cash-qr").src = `/api/till/symbol?text=${encodeURIComponent(emv)}`;
    byId("cash-qr").alt = t("till.cash.qr", { amount: yuan(split.cash) });
    byId("cash-amount").textContent = yuan(split.cash);
  }

  #drawReceipt({ state, settlement, policy, settled, reversal }) {
    const facts = [["settlement", settlement], ["policy", policy], ["time", wallTime(settled)], ...(reversal ? [["reversal", reversal]] : [])];
    byId("receipt-facts").replaceChildren(...facts.map(([name, value]) =>
      element("div", {}, element("dt", { textContent: t(`till.receipt.${name}`) }), element("dd", { textContent: value }))));
    byId("refund").hidden = byId("reverse").hidden = byId("refund-about").hidden = state !== "settled";
    byId("reverse").textContent = t(this.#sure === null ? "till.reverse" : "till.reverse.sure");
  }
}

/** How a bill would be paid now: presettled afresh, so that the reasons come along. */
async function payableOf(bill, before) {
  const { presettlement, split, trace, expires } = await postOnce(`/v1/bills/${bill.id}/presettle`, {});
  const emv = split.cash > 0 ? (await getJson(`/v1/bills/${bill.id}/qr`)).emv : null;
  return { bill, state: "open", presettlement, split, before, trace, expires, emv };
}

async function receiptOf(bill, { settlement, split, reversal }, state) {
  const { policy, trace, bill: paid } = await getJson(`/v1/trace/${settlement}`);
  return { bill, state: state.settled ? "settled" : "reversed", settlement, split, trace, policy, settled: paid.settled, reversal };
}
