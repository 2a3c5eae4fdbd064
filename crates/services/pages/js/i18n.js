// The two languages of the pages. Markup names its text with `data-i18n="key"`, and its attributes
// with `data-i18n-label`, `data-i18n-placeholder` and `data-i18n-title`.

import en from "./i18n/en.js";
import zh from "./i18n/zh.js";
import { byId } from "./dom.js";
import { recall, remember } from "./memory.js";

const DICTIONARIES = { en, zh };
const TAGS = { en: "en", zh: "zh-CN" };
const ATTRIBUTES = { i18nLabel: "aria-label", i18nPlaceholder: "placeholder", i18nTitle: "title" };
const listeners = [];

let language = recall("language") ?? (navigator.language.startsWith("zh") ? "zh" : "en");

/** The text for `key`, with `{name}` replaced by `values.name`. */
export function t(key, values = {}) {
  const text = DICTIONARIES[language][key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** Like `t`, for keys made from the server's words: `fallback` stands in for a word we do not know. */
export const tOr = (key, fallback) => DICTIONARIES[language][key] ?? fallback;

/** The field of `record` in the current language: `pick(street, "name")` is `name_en` or `name_zh`. */
export const pick = (record, field) => record[`${field}_${language}`];

/** For `Intl` formats and `lang` attributes. */
export const languageTag = () => TAGS[language];

/** Calls `listener` after each change of language. */
export const onLanguage = (listener) => listeners.push(listener);

/** Translates the page and brings its language button to life. */
export function startI18n() {
  byId("language").addEventListener("click", () => {
    language = language === "en" ? "zh" : "en";
    remember("language", language);
    translatePage();
    for (const listener of listeners) listener();
  });
  translatePage();
}

function translatePage() {
  document.documentElement.lang = languageTag();
  for (const node of document.querySelectorAll("[data-i18n]")) node.textContent = t(node.dataset.i18n);
  for (const [name, attribute] of Object.entries(ATTRIBUTES)) {
    const selector = `[data-${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}]`;
    for (const node of document.querySelectorAll(selector)) node.setAttribute(attribute, t(node.dataset[name]));
  }
  // The button speaks the language it leads to, so that those who need it can read it.
  const other = language === "en" ? "zh" : "en";
  byId("language").textContent = DICTIONARIES[other]["language.name"];
  byId("language").lang = TAGS[other];
}
