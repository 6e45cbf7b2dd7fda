"""Scripts and languages of short support messages, written by hand in each of them."""

from itertools import permutations

import pytest

from feedback.records.language import drop_codes, find_language, find_writing, is_other

# A question of a customer and the answer to it, in fourteen languages of as many scripts.
TALKS = {
    "en": ("Where is my order AB-123? It should have come yesterday.", "It left our warehouse this morning."),
    "zh": ("我的订单AB-123在哪里?昨天就应该到了。", "您的包裹今天早上已经从仓库发出,请您耐心等待。"),
    "ja": ("注文番号AB-123の配送状況を確認したいです。", "ご注文の商品は今朝倉庫から発送されました。"),
    "ko": ("제 주문 AB-123은 어디에 있나요? 어제 왔어야 합니다.", "오늘 아침 창고에서 출발했습니다."),
    "ru": ("Где мой заказ AB-123? Он должен был прийти вчера.", "Сегодня утром он покинул наш склад."),
    "el": ("Πού είναι η παραγγελία μου AB-123;", "Έφυγε από την αποθήκη μας σήμερα το πρωί."),
    "ar": ("أين طلبي AB-123؟ كان يجب أن يصل أمس.", "غادر مستودعنا هذا الصباح."),
    "he": ("איפה ההזמנה שלי AB-123? היא הייתה אמורה להגיע אתמול.", "היא יצאה מהמחסן שלנו הבוקר."),
    "th": ("คำสั่งซื้อ AB-123 ของฉันอยู่ที่ไหน", "สินค้าออกจากคลังของเราเมื่อเช้านี้"),
    "hi": ("मेरा ऑर्डर AB-123 कहाँ है? उसे कल आना था।", "वह आज सुबह हमारे गोदाम से निकल गया।"),
    "bn": ("আমার অর্ডার AB-123 কোথায়? গতকাল আসার কথা ছিল।", "আজ সকালে আমাদের গুদাম থেকে বেরিয়ে গেছে।"),
    "ta": ("எனது ஆர்டர் AB-123 எங்கே? நேற்று வந்திருக்க வேண்டும்.", "இன்று காலை எங்கள் கிடங்கிலிருந்து புறப்பட்டது."),
    "ka": ("სად არის ჩემი შეკვეთა AB-123? გუშინ უნდა მოსულიყო.", "დღეს დილით გავიდა ჩვენი საწყობიდან."),
    "hy": ("Որտե՞ղ է իմ պատվերը AB-123: Երեկ պետք է գար:", "Այսօր առավոտյան դուրս եկավ մեր պահեստից:"),
}
LATIN = {
    "en": ("Where is my order? It should have come yesterday.", "It left our warehouse this morning."),
    "de": (
        "Wo ist meine Bestellung? Sie sollte gestern kommen.",
        "Sie hat unser Lager heute Morgen verlassen.",
    ),
    "fr": ("Où est ma commande ? Elle devait arriver hier.", "Elle a quitté notre entrepôt ce matin."),
    "es": ("¿Dónde está mi pedido? Tenía que llegar ayer.", "Ha salido de nuestro almacén esta mañana."),
    "it": ("Dov'è il mio ordine? Doveva arrivare ieri.", "Ha lasciato il nostro magazzino questa mattina."),
    "pl": ("Gdzie jest moje zamówienie? Miało przyjść wczoraj.", "Dziś rano opuściło nasz magazyn."),
    "tr": ("Siparişim nerede? Dün gelmesi gerekiyordu.", "Bu sabah depomuzdan yola çıktı."),
}


def is_seen(wanted: str, given: str) -> bool:
    customer, reply = find_writing(wanted), find_writing(given)
    return customer is not None and reply is not None and is_other(customer, reply)


def test_every_pair_of_scripts_is_told_apart() -> None:
    pairs = list(permutations(TALKS, 2))
    unseen = [(one, other) for one, other in pairs if not is_seen(TALKS[one][0], TALKS[other][1])]
    assert len(pairs) == 182 and unseen == []


def test_every_pair_of_latin_languages_is_told_apart() -> None:
    pairs = list(permutations(LATIN, 2))
    unseen = [(one, other) for one, other in pairs if not is_seen(LATIN[one][0], LATIN[other][1])]
    assert len(pairs) == 42 and unseen == []


@pytest.mark.parametrize("talk", [*TALKS.values(), *LATIN.values()])
def test_an_answer_in_the_same_language_is_not_accused(talk: tuple[str, str]) -> None:
    assert not is_seen(*talk)


@pytest.mark.parametrize(("code", "talk"), [*TALKS.items(), *LATIN.items()])
def test_a_conversation_has_the_language_of_its_customer(code: str, talk: tuple[str, str]) -> None:
    assert find_language(talk) == code


@pytest.mark.parametrize(
    ("text", "script", "language"),
    [
        ("ﾃｽﾄです、お願いします", "JAPANESE", "ja"),  # half-width kana
        ("我买了优の良品的零食,还没有收到", "HAN", "zh"),  # a shop's name does not make it Japanese
        ("iPhone 15 Pro Max 的订单在哪里", "HAN", "zh"),
        ("Your order of 茶 left today and comes tomorrow", "LATIN", "en"),
        ("Where is it?", "LATIN", None),  # under 20 letters
        ("OK", "LATIN", None),
        ("ቅደም ተከተሌ የት ነው", "ETHIOPIC", None),  # in no table of ours: Unicode knows it
        ("ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ", "CHEROKEE", None),
    ],
)
def test_script_is_that_of_most_words(text: str, script: str, language: str | None) -> None:
    found = find_writing(text)
    assert found is not None and (found.script, found.language) == (script, language)


@pytest.mark.parametrize("text", ["", "12-345", "AB-123", "!?", "anna@example.org", "https://example.org/x"])
def test_numbers_codes_and_addresses_are_of_no_language(text: str) -> None:
    assert find_writing(text) is None


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ("Wo ist es?", "It left our warehouse this morning."),  # too short to tell
        ("領収書の再発行をお願いします", "了解"),  # no kana, and few signs: a Japanese heading or Chinese
        ("領収書発行希望", "領収書をお送りします"),
    ],
)
def test_what_is_unknown_accuses_nobody(wanted: str, given: str) -> None:
    assert not is_seen(wanted, given) and not is_seen(given, wanted)


def test_japanese_with_kanji_is_not_chinese() -> None:
    assert is_seen("領収書の再発行をお願いします", "您的发票已经重新开具,请查收。")
    assert is_seen("我的发票在哪里?", "領収書をお送りします")


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("Mail a.b@c.example now", "Mail   now"),
        ("See https://a.example/x?y=1 or www.b.example !", "See   or   !"),
        ("Parcel AB-123 of 5kg, not AB", "Parcel   of  , not AB"),
        ("@home is @ no address@", "@home is @ no address@"),
    ],
)
def test_codes_and_addresses_are_dropped(text, rest):
    assert drop_codes(text) == rest


@pytest.mark.parametrize("run", ["x", "x-", "y@", "订", "9"])
def test_a_text_of_one_run_is_read_in_time_that_grows_with_it_alone(run):
    """A million characters without a space came in; looking back from each would take hours."""
    find_writing(run * 1_000_000)
