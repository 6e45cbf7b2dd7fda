"""Every figure of an adapter's page and of a night's counts, from the bare rows of the event log.

Stands by itself: rules written anew from docs/evidence.md and the design, SQL by hand, nothing imported from
the service.
"""

import json
import math
import re
import unicodedata
from collections import Counter, defaultdict

import numpy as np
from scipy import optimize, special, stats

TABLES = ("judgement", "candidate", "suggestion_set", "unblinding", "conversation", "message", "thumb")
LISTS = ("candidate_ids", "tags", "messages")
APART = ("own", "none", "skip", "undone", "unblinded")
LOGIT_PRIOR_SD = 5.0
CONFIDENCE = 0.99


def export(engine):
    """Rows of each table as dicts; a time is text that sorts by time."""
    found = {}
    with engine.connect() as connection:
        for table in TABLES:
            rows = connection.exec_driver_sql(f"SELECT * FROM {table}").mappings().all()  # noqa: S608
            found[table] = [{name: read_value(name, value) for name, value in row.items()} for row in rows]
    return found


def read_value(name, value):
    if name in LISTS and isinstance(value, str):
        return json.loads(value)
    if hasattr(value, "isoformat"):  # PostgreSQL gives times, SQLite texts
        return value.strftime("%Y-%m-%d %H:%M:%S.%f")
    return value


def list_judged(rows):
    """Judgements but undo, in their order, each with its set, cards in slot order, and conversation."""
    sets = {row["id"]: row for row in rows["suggestion_set"]}
    conversations = {row["id"]: row for row in rows["conversation"]}
    cards = defaultdict(list)
    for row in rows["candidate"]:
        cards[row["set_id"]].append(row)
    undone = {row["undoes"] for row in rows["judgement"]}
    seen = {(row["set_id"], row["agent"]): row["at"] for row in rows["unblinding"]}
    for row in sorted(rows["judgement"], key=lambda row: (row["created_at"], row["id"])):
        if row["kind"] == "undo":
            continue
        shown = sets[row["set_id"]]
        saw_at = seen.get((row["set_id"], row["agent"]))
        yield {
            **row,
            "set": shown,
            "cards": sorted(cards[row["set_id"]], key=lambda card: card["slot"]),
            "conversation": conversations[shown["conversation_id"]],
            "undone": row["id"] in undone,
            # An erased agent cannot be looked up: there the row's own mark is all there is.
            "unblinded": row["unblinded"]
            if row["agent"] is None
            else saw_at is not None and saw_at <= row["created_at"],
        }


def fold(text):
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def distance(left, right):
    one, other = (" ".join(unicodedata.normalize("NFKC", text).split()) for text in (left, right))
    before = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        after = [row]
        for column, sign in enumerate(other, 1):
            after.append(min(after[-1] + 1, before[column] + 1, before[column - 1] + (letter != sign)))
        before = after
    return before[-1] / max(len(one), len(other), 1)


def settle(judged):
    """(kind, texts that won, own or edited text) or the reason for none. Texts are folded."""
    kind = judged["kind"]
    if judged["undone"]:
        return "undone"
    if kind in ("none", "skip"):
        return kind
    if judged["unblinded"]:
        return "unblinded"
    ready = {card["id"]: card["text"] for card in judged["cards"] if card["state"] == "ready"}
    named = judged["candidate_ids"] if kind == "tie" else [judged["candidate_id"]] if kind != "own" else []
    if any(candidate not in ready for candidate in named):
        return "reply_unavailable"
    texts = list(dict.fromkeys(fold(text) for text in ready.values()))
    if len(texts) < 2:
        return "fewer_than_two_replies"
    won = {fold(ready[candidate]) for candidate in named}
    written = judged["text"]
    if kind in ("edit", "own"):
        if fold(written) in texts:
            return ("pick", {fold(written)}, None)
        against = (
            {text: distance(text, written) for text in (ready[named[0]],)}
            if kind == "edit"
            else {text: distance(text, written) for text in ready.values()}
        )
        nearest = min(against, key=against.get)
        if against[nearest] < 0.05:
            return ("pick", {fold(nearest)}, None)
        if kind == "own" or against[nearest] > 0.7:
            return ("own", set(), written)
        return ("edit", won, written)
    if len(won) == len(texts):
        return "tie_of_all"
    return ("pick" if len(won) == 1 else "tie", won, None)


def refuse_set(judged):
    if judged["set"]["design"] != "2+2":
        return "other_design"
    if any(card["state"] == "unavailable" for card in judged["cards"]):
        return "reply_unavailable"
    base, tuned = count_texts(judged)
    return "unequal_texts" if base != tuned else None


def count_texts(judged):
    ready = [card["arm"] for card in judged["cards"] if card["state"] == "ready"]
    return [sum(arm in (own, "both") for arm in ready) for own in ("base", "tuned")]


def recount_support(rows, adapter):
    """Counts of the adapter, and the picks that count as (arm, texts won, judgement, sets closed before)."""
    counts = {"apart": Counter(), "left_out": Counter(), "repeated": 0, "judgements": 0}
    picks, closed = [], Counter()
    for judged in list_judged(rows):
        before = closed[judged["agent"]]
        closed[judged["agent"]] += judged["kind"] in ("pick", "edit", "own", "tie") and not judged["undone"]
        if judged["set"]["adapter"] != adapter:
            continue
        if judged["set"]["design"] == "2+1+1":
            counts["left_out"]["two_versions"] += 1
            continue
        counts["judgements"] += 1
        settled, refused = settle(judged), refuse_set(judged)
        if settled == "tie_of_all" and refused is None:
            everything = {fold(card["text"]) for card in judged["cards"] if card["state"] == "ready"}
            picks.append(("both", everything, judged, before))
        elif isinstance(settled, str):
            counts["apart" if settled in APART else "left_out"][settled] += 1
        elif settled[0] == "own":
            counts["apart"]["own"] += 1
        elif refused is not None:
            counts["left_out"][refused] += 1
            base, tuned = count_texts(judged)
            counts["repeated"] += refused == "unequal_texts" and tuned < base
        else:
            arms = {card["arm"] for card in ready_cards(judged) if fold(card["text"]) in settled[1]}
            picks.append((arms.pop() if len(arms) == 1 else "both", settled[1], judged, before))
    return counts, picks


def ready_cards(judged):
    return [card for card in judged["cards"] if card["state"] == "ready"]


def wilson(won, n, z):
    """Both ends, looked for by halving: where the distance to the share is z standard errors."""

    def find(inside, outside):
        for _ in range(100):
            middle = (inside + outside) / 2
            is_inside = abs(won / n - middle) <= z * math.sqrt(middle * (1 - middle) / n)
            inside, outside = (middle, outside) if is_inside else (inside, middle)
        return inside

    return find(won / n, 0.0), find(won / n, 1.0)


def evidence(won, n):
    """Beta-binomial mixture against one half, on both sides."""
    value = math.exp(n * math.log(2) + special.betaln(10 + won, 10 + n - won) - special.betaln(10, 10))
    return (value if 2 * won > n else 0.0, value if 2 * won < n else 0.0)


def weigh_harm(by_agent):
    """How much better three kinds of harm explain the picks than tastes around one half that spread up to
    0.1.
    """
    k, n = (np.array([measure(each) for each in by_agent.values()]) for measure in (sum, len))

    def chance(share, spread, around):
        if spread == 0:
            return stats.binom.logpmf(k, n, share).sum()
        v = around * (1 - around) / spread**2 - 1
        return stats.betabinom.logpmf(k, n, share * v, (1 - share) * v).sum()

    if any(chance(0.49, step / 100, 0.5) <= chance(0.5, step / 100, 0.5) for step in range(11)):
        return 0.0
    worse = [chance(share, spread, share) for share, spread in ((0.3, 0.1), (0.38, 0.1), (0.42, 0.0))]
    fair = max(chance(0.5, step / 2000, 0.5) for step in range(201))
    return float(np.mean(np.exp(np.array(worse) - fair)))


def bound_by_agent(by_agent):
    """Jackknife over agents with Student's t, never above Wilson's; `by_agent`: agent -> [whether tuned]."""
    n, k, g = sum(map(len, by_agent.values())), sum(map(sum, by_agent.values())), len(by_agent)
    rest = [(k - sum(each)) / (n - len(each)) for each in by_agent.values()]
    error = math.sqrt((g - 1) / g * sum((share - k / n) ** 2 for share in rest))
    low, _ = wilson(k, n, stats.norm.ppf(CONFIDENCE))
    return max(0.0, min(k / n - stats.t.ppf(CONFIDENCE, g - 1) * error, low))


def describe(card, arm_code):
    text = card["text"]
    items = len(re.findall(r"^- ", text, re.MULTILINE))
    bold = len(re.findall(r"\*\*[^*]+\*\*", text))
    style = [math.log(len(text)), math.log(1 + items), math.log(1 + bold)]
    return [arm_code[card["arm"]], *style, *(float(card["slot"] == slot) for slot in (1, 2, 3))]


def adjust(decided):
    """Coefficients by scipy, errors by leaving out one agent at a time, in one Newton step each."""
    code = {"tuned": 0.5, "base": -0.5, "both": 0.0}
    xs = [np.array([describe(card, code) for card in ready_cards(judged)]) for _, _, judged, _ in decided]
    ys = []
    for _, won, judged, _ in decided:
        hit = np.array([fold(card["text"]) in won for card in ready_cards(judged)], dtype=float)
        ys.append(hit / hit.sum())

    def loss(b):
        total, slope = b @ b / (2 * LOGIT_PRIOR_SD**2), b / LOGIT_PRIOR_SD**2
        for x, y in zip(xs, ys, strict=True):
            utility = x @ b
            total -= y @ (utility - special.logsumexp(utility))
            slope = slope - (y - special.softmax(utility)) @ x
        return total, slope

    b = optimize.minimize(loss, np.zeros(7), method="BFGS", jac=True, options={"gtol": 1e-6}).x
    scores, informations = defaultdict(lambda: np.zeros(7)), defaultdict(lambda: np.zeros((7, 7)))
    for (_, _, judged, _), x, y in zip(decided, xs, ys, strict=True):
        chance = special.softmax(x @ b)
        centred = x - chance @ x
        agent = judged["agent"] or "unknown"
        scores[agent] += (y - chance) @ x
        informations[agent] += centred.T @ (chance[:, None] * centred)
    whole = sum(informations.values()) + np.eye(7) / LOGIT_PRIOR_SD**2
    moved = np.array([np.linalg.solve(whole - informations[agent], scores[agent]) for agent in scores])
    g = len(scores)
    errors = np.sqrt((g - 1) / g * (moved**2).sum(axis=0))
    low = special.expit(b[0] - stats.t.ppf(CONFIDENCE, g - 1) * errors[0])
    names = ("arm", "log_length", "lists", "markup", "slot_1", "slot_2", "slot_3")
    return {
        "share": special.expit(b[0]),
        "low": low,
        "coefficients": {name: (b[place], errors[place]) for place, name in enumerate(names)},
    }


def recount_cells(picks):
    """(tuned, base, halves) of each tag, language, intent, experience and agent."""
    cells = {way: defaultdict(Counter) for way in ("tags", "languages", "intents", "experience", "agents")}
    for won, _, judged, before in picks:
        tags = judged["conversation"]["tags"]
        intent = next((tag.split(":", 1)[1] for tag in tags if tag.startswith("intent:")), "unknown")
        age = "0-49" if before < 50 else "50-199" if before < 200 else "200+"
        keys = {
            "tags": tags or ["untagged"],
            "languages": [judged["conversation"]["language"] or "unknown"],
            "intents": [intent],
            "experience": [age],
            "agents": [judged["agent"] or "unknown"],
        }
        for way, names in keys.items():
            for name in names:
                cells[way][name][won] += 1
    return {
        way: {name: (found["tuned"], found["base"], found["both"]) for name, found in named.items()}
        for way, named in cells.items()
    }


def recount_account(rows, adapter):
    counts, picks = recount_support(rows, adapter)
    decided = [pick for pick in picks if pick[0] != "both"]
    by_agent = defaultdict(list)
    for won, _, judged, _ in decided:
        by_agent[judged["agent"] or "unknown"].append(won == "tuned")
    tuned, n, halves = sum(map(sum, by_agent.values())), len(decided), len(picks) - len(decided)
    better, _ = evidence(tuned, n)
    without = [
        (agent, len(each), sum(each) / len(each), (tuned - sum(each)) / (n - len(each)))
        for agent, each in by_agent.items()
    ]
    differences = []
    for _, _, judged, _ in picks:
        means = [
            np.mean(
                [math.log(len(card["text"])) for card in ready_cards(judged) if card["arm"] in (arm, "both")]
            )
            for arm in ("tuned", "base")
        ]
        differences.append(means[0] - means[1])
    return {
        **counts,
        "tuned": tuned,
        "base": n - tuned,
        "halves": halves,
        "rate": (tuned + halves / 2) / len(picks),
        "interval": wilson(tuned + halves / 2, len(picks), stats.norm.ppf(0.975)),
        "share": tuned / n,
        "share_low": bound_by_agent(by_agent),
        "e_better": better,
        "e_harm": weigh_harm(by_agent),
        "agents": len(by_agent),
        "adjusted": adjust(decided),
        "without": sorted(without, key=lambda row: (row[3], row[0])),
        "cells": recount_cells(picks),
        "length_difference": float(np.mean(differences)),
    }


def recount_night(rows, since, until):
    """What came in between two times (the first excluded), and what became of the judgements in it."""

    def inside(table):
        return [row for row in rows[table] if since < row["created_at"] <= until]

    undone = {row["undoes"] for row in rows["judgement"]}
    last_thumbs = {row["message_id"]: row for row in sorted(rows["thumb"], key=lambda row: row["created_at"])}
    came = {
        "conversations": len(inside("conversation")),
        "customer_messages": sum(row["role"] == "customer" for row in inside("message")),
        "agent_messages": sum(row["role"] == "agent" for row in inside("message")),
        "sets": dict(Counter(row["state"] for row in inside("suggestion_set"))),
        "judgements": dict(Counter(row["kind"] for row in inside("judgement") if row["kind"] != "undo")),
        "undone": sum(row["id"] in undone for row in inside("judgement")),
        "thumbs": {
            name: sum(
                row["value"] == value for row in last_thumbs.values() if since < row["created_at"] <= until
            )
            for name, value in (("up", 1), ("down", -1), ("taken_back", 0))
        },
    }
    judgements, kinds, reasons, pairs, close = 0, Counter(), Counter(), 0, 0
    for judged in list_judged(rows):
        if not since < judged["created_at"] <= until:
            continue
        judgements += 1
        settled = settle(judged)
        if isinstance(settled, str):
            reasons[settled] += 1
            continue
        kinds[settled[0]] += 1
        for left, right in list_pairs(judged, *settled):
            near = distance(left, right) < 0.05
            pairs += not near
            close += near
    return came, {
        "judgements": judgements,
        "choices": sum(kinds.values()),
        "choice_kinds": dict(kinds),
        "reasons": dict(reasons),
        "pairs": pairs,
        "too_close": close,
    }


def list_pairs(judged, kind, won, written):
    """(preferred, other) texts: written over what was picked (own: over all), picked over the others."""
    texts = {}
    for card in ready_cards(judged):
        texts.setdefault(fold(card["text"]), card["text"])
    others = [text for key, text in texts.items() if key not in won]
    picked = [text for key, text in texts.items() if key in won]
    pairs = [(text, other) for text in picked for other in others]
    if kind == "own":
        pairs += [(written, other) for other in others]
    if kind == "edit":
        pairs += [(written, text) for text in picked]
    return pairs
