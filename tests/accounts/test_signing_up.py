"""A newcomer signs up, with a password or without, and is back where they came from."""

from flask.testing import FlaskClient

from tests.accounts.browser import Letters, code_in, is_signed_in, link_in, send, sign_out, sign_up, token_in

PASSWORD = "a tram in the snow"


def test_an_address_alone_is_enough(client: FlaskClient, letters: Letters) -> None:
    answer = send(client, "/sign-up", email="Ana@Example.ORG", next="/articles/frost")
    assert (answer.status_code, answer.location) == (303, "/sign-in/code")
    letter = letters()[-1]
    assert (letter.kind, letter.to) == ("confirm", "ana@example.org")
    code = code_in(letter)
    assert code[:3] in letter.subject
    page = client.get("/sign-in/code")
    assert "ana@example.org" in page.text
    answer = send(client, "/sign-in/code", code=f"{code[:3]} {code[3:]}")
    assert (answer.status_code, answer.location) == (303, "/articles/frost")
    assert is_signed_in(client)


def test_a_password_chosen_at_sign_up_signs_in_later(client: FlaskClient, letters: Letters) -> None:
    sign_up(client, letters, "ana@example.org", PASSWORD)
    sign_out(client)
    assert not is_signed_in(client)
    answer = send(client, "/sign-in", email="ANA@example.org", password=PASSWORD, next="/articles/frost")
    assert (answer.status_code, answer.location) == (303, "/articles/frost")
    assert is_signed_in(client)


def test_the_link_confirms_at_the_press_of_its_button(client: FlaskClient, letters: Letters) -> None:
    send(client, "/sign-up", email="ana@example.org", password=PASSWORD, next="/articles/frost")
    path = link_in(letters()[-1])
    assert path.startswith("/confirm/")
    page = client.get(path)
    assert "Sign in to The Vitosha Courier" in page.text
    assert not is_signed_in(client)
    answer = client.post(path, data={"csrf_token": token_in(page.text)})
    assert (answer.status_code, answer.location) == (303, "/articles/frost")
    assert is_signed_in(client)
