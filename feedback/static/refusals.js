// Texts for people when the service refuses something: chosen by the error code, in the page's language, without ids. The
// message and hint in the answer are for programs.

import { SENTENCES } from "./refusal_words.js";

export function wordsOf(fault) {
  if (Object.hasOwn(SENTENCES, fault.code)) return SENTENCES[fault.code]();
  return fault.code.endsWith("_not_found") ? SENTENCES.gone() : SENTENCES.unknown();
}
