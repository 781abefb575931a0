"""Free-text search over orders, the newest first, at any number of orders.

As before it runs as the tables' owner, takes the company from the setting and nothing else, and returns ids only; the
last row is NULL if there may be further orders that match. Two steps, so that no text is slow among millions of orders:

1. The newest orders are read along the list's index. A text that many orders have is found here, often enough; a
   company with few orders is done, and so is a text without three letters or digits in a row, which no index serves.
2. For a rare text the trigram index is asked, for the one to three trigrams of the text that narrow most: each further
   one costs a look into a list of, say, every hundredth of all companies' orders (twenty of them: 180 ms at 5 million).
   Which ones narrow is seen in the newest orders. What they leave is compared with the whole text.

The planner knows little of how often a part of a text occurs, so each step allows it one kind of plan. The list of all
orders of a very large company takes longer to merge than its orders take to tell from others, so there the company
stays out of the index. A search that is cut off by `statement_timeout` answers what it has found until then.
"""

CREATE_SEARCH = r"""
CREATE FUNCTION search_orders(term text, most integer, newest integer DEFAULT 5000) RETURNS SETOF bigint
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, public
SET plan_cache_mode = force_custom_plan
SET max_parallel_workers_per_gather = 0
SET work_mem = '32MB'
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_indexscan = on
SET enable_indexonlyscan = off
AS $body$
DECLARE
    enough CONSTANT integer := least(50, most);  -- a page of the list
    company bigint := current_setting('app.company')::bigint;
    wanted text := lower(term);
    read integer;
    is_large boolean;
    hits bigint[];
    older bigint[];
    sample text[];
    trigrams text[];
    words integer[];
    trigram text;
    its_word integer;
    chosen text[] := '{}';
    used integer[] := '{}';
BEGIN
    SELECT count(*), array_agg(o.id) FILTER (WHERE strpos(o.search_text, wanted) > 0),
        array_agg(o.search_text) FILTER (WHERE o.place % 16 = 1),
        count(*) * 20 > max(o.id) - min(o.id)  -- ids are given to all companies' orders in turn: one of 20 is its own
    INTO read, hits, sample, is_large
    FROM (
        SELECT n.id, n.search_text, row_number() OVER () AS place FROM (
            SELECT id, search_text FROM public.orders_order
            WHERE company_id = company ORDER BY created_at DESC, id DESC LIMIT newest
        ) AS n
    ) AS o;
    hits := coalesce(hits, '{}');
    RETURN QUERY SELECT unnest(hits[:most]);
    IF cardinality(hits) > most THEN
        RETURN NEXT NULL;
    END IF;
    IF read < newest OR cardinality(hits) > most THEN
        RETURN;
    END IF;

    SELECT array_agg(t ORDER BY often, t), array_agg(word ORDER BY often, t) INTO trigrams, words  -- the rarest first
    FROM (
        SELECT t, min(word) AS word, (SELECT count(*) FROM unnest(sample) AS s WHERE strpos(s, t) > 0) AS often
        FROM (
            SELECT substr(wanted, i, 3) AS t, length(regexp_replace(left(wanted, i), '[[:alnum:]]', '', 'g')) AS word
            FROM generate_series(1, least(length(wanted) - 2, 24)) AS i
        ) AS every
        WHERE t ~ '^[[:alnum:]]{3}$' GROUP BY t
    ) AS counted
    WHERE often < 80;  -- what a quarter of them has narrows little, and its list in the index is long
    IF cardinality(hits) >= enough OR trigrams IS NULL THEN
        RETURN NEXT NULL;
        RETURN;
    END IF;

    FOR turn IN 1..3 LOOP  -- each time the one that is rarest where those before occur, of another word if there is one
        SELECT u.t, u.word INTO trigram, its_word
        FROM unnest(trigrams, words) WITH ORDINALITY AS u(t, word, rank) WHERE u.t <> ALL (chosen)
        ORDER BY (SELECT count(*) FROM unnest(sample) AS s WHERE strpos(s, u.t) > 0), u.word = ANY (used), u.rank LIMIT 1;
        EXIT WHEN trigram IS NULL;
        chosen := chosen || trigram;
        used := used || its_word;
        sample := ARRAY(SELECT s FROM unnest(sample) AS s WHERE strpos(s, trigram) > 0);
    END LOOP;
    IF cardinality(sample) > 12 THEN
        RETURN NEXT NULL;  -- more than one of 25 orders would have to be read
        RETURN;
    END IF;

    PERFORM set_config('enable_bitmapscan', 'on', true), set_config('enable_indexscan', 'off', true);
    EXECUTE format(
        'SELECT ARRAY(SELECT id FROM public.orders_order WHERE %s = $1 AND %s AND strpos(search_text, $2) > 0'
        ' AND id <> ALL ($3) LIMIT $4)',
        CASE WHEN is_large THEN 'company_id + 0' ELSE 'company_id' END,
        (SELECT string_agg(format('search_text LIKE %L', '%' || t || '%'), ' AND ') FROM unnest(chosen) AS t)
    ) INTO older USING company, wanted, hits, most - cardinality(hits) + 1;
    RETURN QUERY SELECT unnest(older[:most - cardinality(hits)]);
    IF cardinality(older) > most - cardinality(hits) THEN
        RETURN NEXT NULL;
    END IF;
EXCEPTION WHEN query_canceled THEN
    RETURN NEXT NULL;
END
$body$;
"""

DROP_SEARCH = "DROP FUNCTION search_orders(text, integer, integer);"
