"""Questions that no collection of documents on other subjects has an answer to."""

from __future__ import annotations

import random
import string

_WORDS = """
always angry basket beneath bicycle blanket broken butter candle carpet ceramic curious dancing donkey dusty elephant empty
envelope feather forty frozen garden gentle guitar hammer harbor hollow honey igloo invisible island jacket jungle jump kettle
kitchen ladder lantern lemon loudly market mirror music needle ocean orange pencil purple quickly quilt river running seven
shadow silence sleepy table tomorrow triangle umbrella velvet village walnut whisper window winter yellow zebra
""".split()
_ABROAD = """
Can I repot an orchid while it is in bloom?
How do I remove red wine stains from a wool carpet?
How do I tune a ukulele by ear?
How long should I bake sourdough bread at home?
How many points is a flush worth in cribbage?
What is the best opening against the Sicilian defence?
What should I name my new puppy?
What size of hook do I need to crochet a baby blanket?
Where can I rent a surfboard near the beach?
Which knot should I use to tie a hammock to a tree?
Which tyres suit a gravel bike on wet roads?
Welche Farbe passt zu einem blauen Sofa?
Wie lange muss ein weich gekochtes Ei kochen?
Wie stricke ich Socken mit vier Nadeln?
Wo finde ich einen guten Friseur?
Combien coûte un abonnement à la salle de sport ?
Comment faire une mayonnaise maison sans moutarde ?
Quelle est la meilleure plage pour les enfants ?
¿Cómo se prepara una tortilla de patatas jugosa?
¿Qué zapatillas son mejores para correr un maratón?
Come si pulisce una macchina per il caffè espresso?
Quanto tempo deve riposare l'impasto della pizza?
Hoe repareer ik een lekke fietsband?
Jak upiec sernik bez spodu?
Как сварить борщ со свёклой?
Где купить недорогие лыжи для ребёнка?
Πώς φτιάχνω σπιτικό παγωτό χωρίς μηχανή;
Evde yoğurt nasıl yapılır?
كيف أصنع قهوة عربية في البيت؟
घर पर पनीर कैसे बनाते हैं?
วิธีทำต้มยำกุ้งต้องใช้อะไรบ้าง
Làm thế nào để trồng cà chua trên ban công?
怎样给猫剪指甲？
红烧肉要炖多久？
猫のトイレはどこに置けばいいですか
""".strip().splitlines()


def questions(*, seed: int = 0) -> list[str]:
    """A hundred: letters at random, words at random, and questions in many languages that people ask elsewhere."""
    chance = random.Random(seed)  # noqa: S311
    letters = [
        " ".join(
            "".join(chance.choices(string.ascii_lowercase, k=chance.randint(3, 12)))
            for _ in range(chance.randint(1, 5))
        )
        for _ in range(30)
    ]
    salads = [" ".join(chance.sample(_WORDS, chance.randint(3, 9))) for _ in range(35)]
    return [*letters, *salads, *_ABROAD]
