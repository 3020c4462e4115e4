"""Which passwords we take: long enough, not among those that everybody tries first, not our own names."""

from typing import Any

from flask import current_app
from flask_babel import gettext
from flask_security import PasswordUtil

from paywall.config import Settings

SHORTEST = 10
LONGEST = 128

# Passwords of ten characters or more that head every published list of leaked ones; shorter ones cannot be chosen.
COMMON = frozenset(
    """
    0000000000 0123456789 0987654321 1111111111 1122334455 1212121212 1231231231 1234554321 12345678900
    1234567890 123456789a 12345678910 123456789q 123456789z 1234567891 123123123123 1234512345 123qweasdzxc
    147258369000 1a2b3c4d5e 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx3edc 1qazxsw23edc 2222222222 3333333333 4444444444
    5555555555 6666666666 7777777777 8888888888 9876543210 9999999999 aaaaaaaaaa abc1234567 abcd123456
    abcd1234567 abcdefghij abcdefghijk adminadmin admin12345 admin123456 administrator alexander1 asdfasdfasdf
    asdfghjkl1 asdfghjkl; asdfghjkl123 barcelona1 basketball baseball123 blink182blink bulgaria123 bulgaria2024
    bulgaria2025 caroline123 changeme123 charlie123 chocolate1 christopher christian1 computer123 corvette123
    cowboys123 dragonball dragon12345 elizabeth1 everything fernando123 football12 football123 fuckyou123
    gabrielle1 generation google12345 guinness123 harrypotter hello12345 hello123456 helloworld hellohello
    ihateyou123 iloveyou12 iloveyou123 iloveyou1234 iloveyousomuch internet123 jennifer123 jonathan123
    justinbieber leicester1 letmein123 letmein1234 liverpool1 liverpool123 lovelovelove loveyou123 maddison123
    manchester manchester1 mercedes123 metallica1 michael123 microsoft1 minecraft1 minecraft123 monkey12345
    mustang123 mypassword mynoob12345 newcastle1 newpassword nicholas123 nothing123 p@ssw0rd123 p@ssword123
    pa55word123 passpasspass passw0rd123 password00 password01 password10 password11 password12 password123
    password1234 password12345 password123456 password2024 password2025 password2026 password99 passwordpassword
    pokemon123 porsche911 princess12 princess123 q1w2e3r4t5 q1w2e3r4t5y6 qazwsxedcr qazwsxedcrfv qweasdzxc1
    qweqweqwe1 qwer123456 qwerasdfzxcv qwerqwerqwer qwerty1234 qwerty12345 qwerty123456 qwerty7890 qwertyqwerty
    qwertyuiop qwertyuiop1 qwertyuiop12 qwertyuiop123 qwertyuiop[] samantha123 sandra1234 secret12345 sofia12345
    sofia123456 spiderman1 starwars123 strawberry summer2024 summer2025 sunshine12 sunshine123 superman12
    superman123 sweetheart teddybear1 test123456 test1234567 testtest12 thebeatles tottenham1 trustno1trustno1
    unbelievable valentina1 victoria123 volleyball washington welcome123 welcome1234 welcome2024 welcome2025
    whatever123 winter2024 winter2025 xxxxxxxxxx youtube123 zaq12wsxcde zaq1zaq1zaq1 zxcvbnm123 zxcvbnm1234
    zxcvbnm,./ zxcvbnmasdfghjkl zzzzzzzzzz
    """.split()
)


def wrong_with(password: str, email: str) -> str | None:
    """What is wrong with a new password of this reader, in a sentence; None if nothing is.

    As NIST SP 800-63B asks: length and known-bad words, no rules about kinds of characters.
    """
    settings: Settings = current_app.extensions["settings"]
    if len(password) < SHORTEST:
        return gettext("Choose a password of %(count)s characters or more. A short sentence is fine.", count=SHORTEST)
    if len(password) > LONGEST:
        return gettext("Choose a password of at most %(count)s characters.", count=LONGEST)
    plain = password.casefold()
    ours = {email, email.partition("@")[0], settings.site_name.casefold()}
    if plain in COMMON or plain in ours or len(set(plain)) < 4:
        return gettext("This password is among the first that others would try. Choose another one.")
    return None


class Passwords(PasswordUtil):  # type: ignore[misc]  # the library is untyped
    """Our rule, where Flask-Security asks for one."""

    def validate(self, password: str, is_register: bool, **context: Any) -> tuple[list[str] | None, str]:  # noqa: FBT001  # the library's signature
        """What is wrong, if anything, and the password in its one Unicode form."""
        known = self.normalize(password)
        wrong = wrong_with(known, context["user"].email)
        return ([wrong] if wrong else None), known
