-- What belongs to made-up lives (cashbook.py), which fills in the words in braces.

-- Each bill with its number, on which hangs what became of it; and gifts, which have none.
CREATE TABLE bill (n INTEGER PRIMARY KEY, held INTEGER, reader_id INTEGER, customer TEXT, turn INTEGER,
currency TEXT, amount INTEGER, made_at {instant}, paid_at {instant}, back_at {instant}, fate TEXT);

-- One reader, the first, has a bill for each day besides: the longest past.
WITH RECURSIVE turn(k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM turn WHERE k < 20),
day(k) AS (SELECT 0 UNION ALL SELECT k + 1 FROM day WHERE k < 1825),
paying AS (SELECT s.id, s.reader_id, c.stripe_id, s.currency, s.price, s.started_at, s.ended_at, s.source
  FROM (SELECT id, reader_id, currency, amount AS price, started_at, source,
    coalesce(ended_at, {ended}) AS ended_at FROM subscription WHERE source IN ('stripe', 'gift')) s
  JOIN stripe_customer c ON c.reader_id = s.reader_id AND c.mode = '{mode}'),
long AS (SELECT min(id) AS id FROM paying WHERE source = 'stripe' AND price > 0),
due AS (
  SELECT p.id, p.reader_id, p.stripe_id, k, p.currency, p.price * 3 AS amount, {quarterly} AS made_at,
    '' AS fate
  FROM paying p CROSS JOIN turn WHERE p.source = 'stripe' AND p.price > 0 AND {quarterly} < p.ended_at
  UNION ALL
  SELECT p.id, p.reader_id, p.stripe_id, k, p.currency, p.price, {daily}, ''
  FROM paying p JOIN long ON long.id = p.id CROSS JOIN day WHERE {daily} < {ended}
  UNION ALL
  SELECT p.id, p.reader_id, NULL, k, p.currency, 3000, {given}, 'gift'
  FROM paying p CROSS JOIN turn WHERE p.source = 'gift' AND (k = 0 OR k = 1 AND p.id % 5 = 0) AND {given} < {ended}
),
numbered AS (SELECT row_number() OVER (ORDER BY made_at, id) AS n, due.* FROM due),
fated AS (SELECT n, id, reader_id, stripe_id, k, currency, amount, made_at,
  CASE WHEN fate <> '' THEN fate WHEN n * 7919 % 1000 < 40 THEN 'late' WHEN n * 7919 % 1000 < 60 THEN 'lost'
    WHEN n * 7919 % 1000 < 80 THEN 'returned' WHEN n * 7919 % 1000 < 83 THEN 'disputed' ELSE 'paid' END AS fate
  FROM numbered)
INSERT INTO bill SELECT n, id, reader_id, stripe_id, k, currency, amount, made_at,
  CASE fate WHEN 'late' THEN CASE WHEN {recovered} < {ended} THEN {recovered} END
    WHEN 'lost' THEN NULL ELSE made_at END,
  CASE WHEN fate IN ('returned', 'disputed') AND {returned} < {ended} THEN {returned} END, fate
FROM fated;

INSERT INTO invoice (mode, stripe_id, ticket, currency, reader_id, customer, subscription, number, status, reason,
  amount, discount, tax, amount_due, amount_paid, amount_remaining, amount_off_stripe, made_at, paid_at,
  period_start, period_end, page_url, pdf_url)
SELECT '{mode}', 'in_lived' || n, 1, b.currency, b.reader_id, customer, s.external_id, 'LIVED-' || n,
  CASE WHEN paid_at IS NOT NULL THEN 'paid' WHEN fate = 'late' THEN 'open' ELSE 'uncollectible' END,
  CASE turn WHEN 0 THEN 'subscription_create' ELSE 'subscription_cycle' END,
  b.amount, 0, 0, b.amount, CASE WHEN paid_at IS NULL THEN 0 ELSE b.amount END,
  CASE WHEN paid_at IS NULL THEN b.amount ELSE 0 END, 0, made_at, paid_at, made_at, {quarter_later},
  'https://invoice.stripe.com/i/acct_lived/test_' || n, 'https://pay.stripe.com/invoice/acct_lived/' || n || '/pdf'
FROM bill b JOIN subscription s ON s.id = b.held WHERE fate <> 'gift' ORDER BY n;

INSERT INTO invoice_line (mode, stripe_id, ticket, currency, invoice, price, amount, is_proration, period_start,
  period_end)
SELECT mode, 'il_lived' || substr(stripe_id, 9), 1, currency, stripe_id, 'price_lived', amount, {no},
  period_start, period_end FROM invoice WHERE mode = '{mode}' ORDER BY id;

INSERT INTO payment (mode, stripe_id, ticket, currency, reader_id, customer, payment_intent, invoice, amount,
  refunded, status, decline_code, is_disputed, "transaction", made_at, country)
SELECT '{mode}', name || n, 1, currency, CASE WHEN fate <> 'gift' THEN reader_id END, customer, 'pi_lived' || n,
  CASE WHEN fate <> 'gift' THEN 'in_lived' || n END, amount,
  CASE WHEN fate = 'returned' AND back_at IS NOT NULL THEN amount ELSE 0 END, status,
  CASE status WHEN 'failed' THEN CASE n % 3 WHEN 0 THEN 'expired_card' ELSE 'insufficient_funds' END END,
  {disputed}, CASE status WHEN 'failed' THEN NULL ELSE 'txn_lived' || n END, at,
  CASE WHEN reader_id % 20 > 0 THEN substr('DEATCHFRNLBEUSGBITPL', 1 + reader_id % 10 * 2, 2) END
FROM (SELECT bill.*, 'ch_lived' AS name, 'succeeded' AS status, paid_at AS at FROM bill WHERE paid_at IS NOT NULL
  UNION ALL SELECT bill.*, 'ch_failed', 'failed', made_at FROM bill WHERE fate IN ('late', 'lost')) tried
ORDER BY at;

INSERT INTO refund (mode, stripe_id, ticket, currency, charge, amount, status, reason, "transaction", made_at)
SELECT '{mode}', 're_lived' || n, 1, currency, 'ch_lived' || n, amount, 'succeeded', 'requested_by_customer',
  'txn_back' || n, back_at FROM bill WHERE fate = 'returned' AND back_at IS NOT NULL ORDER BY n;

INSERT INTO dispute (mode, stripe_id, ticket, currency, charge, amount, moved, status, reason, opened_at, closed_at)
SELECT '{mode}', 'du_lived' || n, 1, currency, 'ch_lived' || n, amount, -amount, 'lost', 'fraudulent', back_at,
  back_at FROM bill WHERE fate = 'disputed' AND back_at IS NOT NULL ORDER BY n;

-- Each line goes to the bank with the payout of the third day after it, if that day has come.
INSERT INTO balance_transaction (mode, stripe_id, ticket, currency, type, category, amount, fee, net, status, source,
  payout, made_at, available_at)
SELECT '{mode}', name || n, 1, currency, category, category, moved, fee, moved - fee, 'available', source || n,
  CASE WHEN {third_day} < '{last_day}' THEN 'po_' || currency || {third_day} END, at, {available}
FROM (SELECT n, currency, 'txn_lived' AS name, 'charge' AS category, amount AS moved, 25 + amount * 15 / 1000 AS fee,
    'ch_lived' AS source, paid_at AS at FROM bill WHERE paid_at IS NOT NULL
  UNION ALL SELECT n, currency, 'txn_back', CASE fate WHEN 'returned' THEN 'refund' ELSE 'dispute' END, -amount,
    CASE fate WHEN 'returned' THEN 0 ELSE 1500 END, CASE fate WHEN 'returned' THEN 're_lived' ELSE 'du_lived' END,
    back_at FROM bill WHERE back_at IS NOT NULL) moved
ORDER BY at;

INSERT INTO payout (mode, stripe_id, ticket, currency, amount, status, is_automatic, reconciliation, made_at, arrives_at)
SELECT mode, payout, 1, currency, sum(net), 'paid', {yes}, 'completed', {that_day}, {that_day}
FROM balance_transaction WHERE mode = '{mode}' AND payout IS NOT NULL GROUP BY mode, payout, currency ORDER BY payout;

INSERT INTO balance_transaction (mode, stripe_id, ticket, currency, type, category, amount, fee, net, status, source,
  payout, made_at, available_at)
SELECT mode, 'txn_' || stripe_id, 1, currency, 'payout', 'payout', -amount, 0, -amount, 'available', stripe_id,
  stripe_id, made_at, made_at FROM payout WHERE mode = '{mode}' ORDER BY made_at;

INSERT INTO cash_walk (mode, part, seen_until, beat_at) VALUES ('{mode}', 'transactions', {today}, {today});

INSERT INTO gift (mode, state, plan_id, months, amount, currency, buyer_name, buyer_email, recipient_name, message,
  deliver_at, delivered_at, salt, code_hash, payment_intent, charge, ticket, written, made_at, paid_at, redeemer_id,
  redeemed_at, starts_at, ends_at, begun_at)
SELECT '{mode}', CASE WHEN turn = 1 THEN 'paid' WHEN s.ended_at IS NULL THEN 'redeemed' ELSE 'ended' END, s.plan_id, 6,
  b.amount, b.currency, 'Giver ' || n, 'giver' || n || '@example.org', 'Somebody', '', made_at, made_at, 'salt',
  'lived' || n, 'pi_lived' || n, 'ch_lived' || n, 1, 1, made_at, made_at,
  CASE turn WHEN 0 THEN s.reader_id END, CASE turn WHEN 0 THEN s.started_at END,
  CASE turn WHEN 0 THEN s.started_at END, s.ended_at, CASE turn WHEN 0 THEN s.started_at END
FROM bill b JOIN subscription s ON s.id = b.held WHERE fate = 'gift' ORDER BY n;

INSERT INTO seat_group (subscription_id, made_at) SELECT id, started_at FROM (
SELECT id, started_at FROM subscription WHERE source = 'stripe' AND external_id LIKE 'sub_lived%' AND id % 40 = 0
  AND plan_id IN (SELECT id FROM plan WHERE seats_min IS NOT NULL)
) one ORDER BY id;

UPDATE subscription SET seats = 12 WHERE id IN (SELECT subscription_id FROM seat_group);

INSERT INTO seat (id, group_id, reader_id, joined_at, left_at, why)
SELECT CAST(substr(external_id, 6) AS INTEGER), g.id, s.reader_id, s.started_at, s.ended_at,
  CASE WHEN s.ended_at IS NULL THEN NULL ELSE 'went' END
FROM subscription s JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS of_all
  FROM seat_group) g ON g.place = s.id % g.of_all WHERE s.source = 'group';

INSERT INTO name_word (reader_id, word)
SELECT id, lower(substr(name, 1, {space} - 1)) FROM reader WHERE email LIKE 'reader%@example.org'
UNION ALL SELECT id, lower(substr(name, {space} + 1)) FROM reader WHERE email LIKE 'reader%@example.org';

-- The inbox forgets what is older, letters stay.
INSERT INTO stripe_event (event_id, type, customer, payload, received_at, state, attempts, handled_at)
SELECT 'evt_lived' || n, 'invoice.paid', customer, '{{}}', made_at, 'handled', 1, made_at
FROM bill WHERE customer IS NOT NULL AND made_at > {lately} ORDER BY n;

INSERT INTO letter (cause, kind, to_address, about, care, message_id, subject, text, html, created_at, sent_at, attempts)
SELECT 'lived:' || n, 'welcome', r.email, held, 'key', 'lived' || n, 'Welcome', {body}, {body}, b.made_at, b.made_at, 1
FROM bill b JOIN reader r ON r.id = b.reader_id WHERE fate <> 'gift' AND turn = 0 ORDER BY n;

INSERT INTO staff_act (at, actor, act, about, reader_id, "before", "after", reason)
SELECT back_at, 'owner@demo.example', 'refund', 'ch_lived' || n, reader_id, '{{}}', '{{}}', 'They asked for it.'
FROM bill WHERE fate = 'returned' AND back_at IS NOT NULL ORDER BY back_at;

DROP TABLE bill;
