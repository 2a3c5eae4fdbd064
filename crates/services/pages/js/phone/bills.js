// Medical bills: what is there to be paid, paying it with a fresh code, and what was paid.

import { ApiProblem, getJson, postOnce } from "../api.js";
import { byId, element, showRows } from "../dom.js";
import { date, yuan } from "../format.js";
import { onLanguage, pick, t } from "../i18n.js";
import { explain } from "../problem.js";
import { billLines, reasons, splitList } from "./bill-sheet.js";

export class Bills {
  #session;
  #resident = null;
  #all = null;
  /** The bill that is looked at: `{ bill, state, offer?, receipt?, trace?, policy? }`. */
  #shown = null;

  /** `session.code({ profile, ward })` makes the codes that payments are made with. */
  constructor(session) {
    this.#session = session;
    byId("bills-refresh").addEventListener("click", () => this.refresh());
    byId("visit").addEventListener("submit", (event) => this.#on(event, () => this.#visit()));
    byId("agree-to-pay").addEventListener("submit", (event) => this.#on(event, () => this.#agree()));
    byId("bill-close").addEventListener("click", () => this.#close());
    byId("bill-family").addEventListener("change", () => this.#do(() => this.#offer()));
    byId("bill-pay").addEventListener("click", () => this.#do(() => this.#pay()));
    onLanguage(() => this.#draw());
  }

  /** Shows the bills of a resident, from the city. */
  open(resident) {
    if (resident !== this.#resident) [this.#resident, this.#all, this.#shown] = [resident, null, null];
    this.#draw();
    return this.refresh();
  }

  refresh() {
    return this.#do(async () => {
      this.#all = await getJson(this.#place("bills"));
    });
  }

  #place(rest) {
    return `/api/phone/${encodeURIComponent(this.#resident)}/${rest}`;
  }

  #on(event, act) {
    event.preventDefault();
    return this.#do(act);
  }

  /** Does something that takes the city, and shows what came of it. */
  async #do(act) {
    const resident = this.#resident;
    byId("bills").setAttribute("aria-busy", "true");
    let words = "";
    try {
      words = (await act()) ?? "";
    } catch (error) {
      words = explain(error);
    }
    if (resident !== this.#resident) return;
    byId("bills").removeAttribute("aria-busy");
    byId("bills-note").textContent = words;
    this.#draw();
  }

  async #visit() {
    const { bill } = await postOnce(this.#place("visit"), { provider: byId("visit-provider").value });
    this.#all = await getJson(this.#place("bills"));
    await this.#show(bill);
  }

  /** Agrees, by a code of one's own, to pay for somebody else. */
  async #agree() {
    const beneficiary = byId("agree-for").value.trim().toLowerCase();
    const { code } = await this.#session.code({ profile: "name" });
    await postOnce(`/api/phone/${encodeURIComponent(this.#session.resident)}/consent`, { beneficiary, code });
    byId("agree-to-pay").reset();
    return t("pay.agreed", { who: beneficiary });
  }

  async #show(id) {
    this.#shown = await getJson(this.#place(`bills/${id}`));
    byId("bill-family").value = "";
    if (isPayable(this.#shown.state)) await this.#offer();
    this.#draw();
    byId("bill-title").focus();
  }

  #close() {
    const id = this.#shown?.bill.id;
    this.#shown = null;
    byId("bills-note").textContent = "";
    this.#draw();
    document.querySelector(`#bills [data-row="${id}"]`)?.focus();
  }

  /** How the bill would be paid now. */
  async #offer() {
    const family = byId("bill-family").value.trim().toLowerCase();
    const body = family === "" ? {} : { family };
    this.#shown.offer = await postOnce(this.#place(`bills/${this.#shown.bill.id}/presettle`), body);
  }

  /** Pays with a fresh code. What became of a payment nobody answered, the bill itself says. */
  async #pay() {
    const { bill, offer } = this.#shown;
    const ward = this.#resident === this.#session.resident ? null : this.#resident;
    const { code } = await this.#session.code({ profile: "name", ward });
    try {
      await postOnce(this.#place(`bills/${bill.id}/settle`), { presettlement: offer.presettlement, code });
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      if (STALE.includes(error.code)) await this.#offer();
      if (error.code !== "bill_already_settled") throw error;
    }
    this.#shown = await getJson(this.#place(`bills/${bill.id}`));
    this.#all = await getJson(this.#place("bills"));
    return t("pay.done");
  }

  #draw() {
    byId("bills-all").hidden = this.#shown !== null;
    byId("bill").hidden = this.#shown === null;
    if (this.#shown) this.#drawBill();
    if (this.#all) this.#drawAll();
  }

  #drawAll() {
    const { unpaid, paid, statement, providers } = this.#all;
    byId("statement").replaceChildren(...[["balance", statement.balance], ["fund_used", statement.fund_used], ["deductible_used", statement.deductible_used]]
      .map(([name, amount]) => element("div", {}, element("dt", { textContent: t(`pay.statement.${name}`) }), element("dd", { className: "number", textContent: yuan(amount) }))));
    showRows(byId("unpaid"), rows(unpaid, "pay.nothing", (one) => this.#row(one, one.total, t(`pay.state.${stateName(one.state)}`))));
    showRows(byId("paid"), rows(paid, "pay.nothing_yet", (one) => this.#row(one, one.split.total,
      one.reversal ? t("pay.state.reversed") : t("pay.paid_on", { day: date(one.settled) }))));
    const select = byId("visit-provider");
    const chosen = select.value;
    select.replaceChildren(...providers.map((provider) => element("option", { value: provider.id, textContent: pick(provider, "name") })));
    if (chosen) select.value = chosen;
  }

  #row(one, total, about) {
    const button = element("button", { type: "button", data: { row: one.bill } },
      element("b", { textContent: this.#providerName(one.provider) }),
      element("span", { className: "number", textContent: yuan(total) }),
      element("small", { textContent: about }));
    button.addEventListener("click", () => this.#do(() => this.#show(one.bill)));
    return element("li", {}, button);
  }

  #providerName(id) {
    const provider = this.#all?.providers.find((known) => known.id === id);
    return provider ? pick(provider, "name") : id;
  }

  #drawBill() {
    const { bill, state, offer, trace, policy } = this.#shown;
    const name = stateName(state);
    const split = name === "presettled" || isPayable(state) ? offer?.split : state[name]?.split;
    byId("bill-title").textContent = this.#providerName(bill.provider);
    byId("bill-state").textContent = t(`pay.state.${name}`);
    byId("bill-state").dataset.state = name;
    const receipt = state[name]?.settlement ? [element("p", { className: "muted small", textContent: t("pay.receipt", { id: state[name].settlement }) })] : [];
    byId("bill-sheet").replaceChildren(
      billLines(bill),
      ...(split ? [splitList(split)] : []),
      ...((trace ?? offer?.trace) ? [reasons(trace ?? offer.trace, policy)] : []),
      ...receipt,
    );
    byId("bill-paying").hidden = !isPayable(state);
    byId("bill-pay").disabled = !offer;
    byId("bill-pay").textContent = offer ? t("pay.pay", { amount: yuan(offer.split.total) }) : t("pay.pay_later");
  }
}

/** After these, another offer may be taken. */
const STALE = ["presettlement_stale", "presettlement_expired", "account_insufficient"];

/** `draft`, or the one member of an object such as `{ settled: … }`. */
const stateName = (state) => (typeof state === "string" ? state : Object.keys(state)[0]);
const isPayable = (state) => ["draft", "presettled", "expired"].includes(stateName(state));

function rows(items, nothing, row) {
  return items.length > 0 ? items.map(row) : [element("li", { className: "muted", textContent: t(nothing) })];
}
