CREATE VIEW balances AS
    SELECT a.id, a.name, coalesce(sum(e.amount), 0) AS balance_cents
    FROM accounts a LEFT JOIN entries e ON e.account_id = a.id GROUP BY a.id;
