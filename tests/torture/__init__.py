"""The torture of the books: random lives, bad deliveries, deaths of processes; then the books must agree.

How it works, in reading order:

schedule.py   A schedule is a value: a list of `Step(name, who, n)`, drawn by chance, that can be made smaller
              and written down in one line, so that any failure can be played again.
steps/        What a step does. One function each; `n` decides the details. Three kinds: *life* (a reader or
              the newsroom does something, at our site or in Stripe's dashboard), *work* (deliveries, jobs,
              periodic work, the reconcile), and *trouble* (deliveries lost, doubled, late, turned round; an
              API that fails). `burst` and `race` play several acts at once, `kill` does so in a process that
              is then killed, `crowd` in a process for each, running free.
turnstile.py  How acts run at once, and how a process dies, both reproducibly: threads hand over to one
              another only at the turnstile (around each question to Stripe, after each transaction), and
              SIGKILL comes at the n-th statement, commit or question.
hooks.py      Where that reaches into the product's process.
newsroom.py   Plans, prices and promotion codes on the first day.
world.py      One app, one database and one stand-in for Stripe for thousands of schedules; each begins anew.
oracle.py     The truth: the stand-in's file read anew, with a policy of its own. Shares no code with the
              product.
doors.py      Who may read now, and for how long that differed from what was paid.
money.py      Whether the cash book is Stripe's, row by row.
checks.py     What must hold after each step, and at the end.
play.py       One schedule from its first step to the last check.
hunt.py       Many of them, until one fails.
tally.py      What is counted, and the table at the end.
mutations.py  Faults planted in the product, each of which must be caught.
__main__.py   `make torture`.

docs/torture.md says the same for whoever only wants to run it.

To add a kind of step, write a function in one of the files of steps/. To add something that must hold, write
it in checks.py.
"""
