// Calls a person back to a page that they are not looking at: the number of new things before the page's title, a short
// tone, a notification. Tone and notification each have a switch, off at first, kept in the browser for each person;
// permission is asked only when the switch is pressed. A notification holds no customer's words, since the operating
// system keeps notifications where erasure cannot reach them.

import { keepValue, readKept } from "./storage.js";
import { _ } from "./i18n.js";

const TONE = [[660, 0], [880, 0.13]]; // Hz, seconds from the start
const TONE_S = 0.22; // length of each
const LOUDNESS = 0.12;
const LATE_MS = 1000; // a tone that the browser delays longer than this is not played, since it would come too late

export const isLookedAt = () => document.visibilityState === "visible" && document.hasFocus();

export class Attention {
  /** `person`: the owner of these switches. `sound` and `notify`: their buttons, or null. `say` is called with what the
   *  browser refuses. */
  constructor({ person = "", sound = null, notify = null, say = () => {} } = {}) {
    Object.assign(this, { key: `attention:${person}`, sound, notify, say, title: document.title, unseen: new Set(), audio: null });
    this.on = { sound: false, notify: false, ...readKept(this.key) };
    if (sound) sound.hidden = !("AudioContext" in window);
    if (notify) notify.hidden = !("Notification" in window && isSecureContext); // on plain http browsers show no notifications
    sound?.addEventListener("click", () => this.toggleSound());
    notify?.addEventListener("click", () => this.toggleNotify());
    window.addEventListener("focus", () => this.look());
    document.addEventListener("visibilitychange", () => this.look());
    this.draw();
  }

  /** These ids are new. `words` is the title of the notification, if it is switched on and nobody looks; clicking it
   *  runs `onOpen`. */
  arrive(ids, { words, onOpen = () => {} }) {
    if (!ids.length) return;
    if (this.on.sound) this.play();
    if (isLookedAt()) return;
    for (const id of ids) this.unseen.add(id);
    this.draw();
    if (this.mayNotify()) this.show(words, onOpen);
  }

  /** Only these ids are still unseen. */
  keep(ids) {
    const there = new Set(ids);
    for (const id of this.unseen) if (!there.has(id)) this.unseen.delete(id);
    this.draw();
  }

  look() {
    if (!isLookedAt()) return;
    this.unseen.clear();
    this.draw();
  }

  draw() {
    const title = this.unseen.size ? `(${this.unseen.size}) ${this.title}` : this.title;
    if (document.title !== title) document.title = title;
    this.sound?.setAttribute("aria-pressed", String(this.on.sound));
    this.notify?.setAttribute("aria-pressed", String(this.mayNotify()));
  }

  turn(name, isOn) {
    this.on[name] = isOn;
    keepValue(this.key, this.on);
    this.draw();
  }

  /* Sound */

  /** Switching it on plays the tone: the person hears it, and after a click the browser allows later sounds. */
  toggleSound() {
    this.turn("sound", !this.on.sound);
    if (this.on.sound) this.play();
  }

  async play() {
    const asked = performance.now();
    this.audio ??= new AudioContext();
    await this.audio.resume().catch(() => {});
    if (this.audio.state !== "running" || performance.now() - asked > LATE_MS) return;
    for (const [pitch, after] of TONE) {
      const [tone, volume, start] = [this.audio.createOscillator(), this.audio.createGain(), this.audio.currentTime + after];
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(LOUDNESS, start);
      volume.gain.exponentialRampToValueAtTime(0.001, start + TONE_S);
      tone.connect(volume).connect(this.audio.destination);
      tone.start(start);
      tone.stop(start + TONE_S);
    }
  }

  /* Notification */

  mayNotify() {
    return this.on.notify && "Notification" in window && Notification.permission === "granted";
  }

  /** Switching it on shows a notification, since some browsers grant the permission and still show none. */
  async toggleNotify() {
    if (this.mayNotify()) {
      this.turn("notify", false);
      return;
    }
    const permission = await Notification.requestPermission();
    this.turn("notify", permission === "granted");
    if (permission !== "granted") this.say(_("The browser does not allow notifications from this page."));
    else this.show(_("New messages are shown like this."));
  }

  show(words, onOpen = () => {}) {
    try {
      const shown = new Notification(words, { tag: this.key, renotify: true, lang: document.documentElement.lang });
      shown.addEventListener("click", () => {
        window.focus();
        shown.close();
        onOpen();
      });
    } catch {
      this.turn("notify", false);
      this.say(_("The browser does not allow notifications from this page."));
    }
  }
}
