#include <gtest/gtest.h>

#include "sql/sql_test_support.h"

// Whole statements as rules have them: every one parses.
namespace haumea::sql {
namespace {

TEST(Statements, OfRulesParse) {
    for (const std::string_view sql : {
             "SELECT * FROM demo",
             "select temperature, humidity from demo where temperature > 20 and (humidity < 30 or room = "
             "'a')",
             "SELECT a - b * 2 / 3 % 4 AS r, -5 AS n, - 5 AS m, .5 AS h, 7.25 AS f FROM demo",
             "SELECT a & 1 | 2 ^ 3 AS r FROM demo",
             "SELECT o->a.b[0]->c[1:], arr[-1], arr[:2], arr[i], arr[i + 1:j], collect(*)[0]->c FROM demo",
             "SELECT `order`, `ein feld`, demo.`x y` FROM demo",
             "SELECT a IN (1, 2), a NOT IN arr, b BETWEEN 'a' AND 'b', c NOT BETWEEN lo AND hi FROM demo",
             "SELECT s LIKE 'a%', s NOT LIKE pattern, 'x' LIKE \"_\" FROM demo",
             "SELECT CASE color WHEN 'red' THEN 1 WHEN 'blue' THEN 2 ELSE 3 END AS c FROM demo",
             "SELECT CASE WHEN a > 1 AND b THEN 'x' WHEN isnull(c) = true THEN CASE d WHEN 1 THEN 2 END END "
             "FROM demo",
             "SELECT * EXCEPT(a, b), count(* EXCEPT(id)) FROM demo GROUP BY COUNTWINDOW(2)",
             "SELECT a AS x INVISIBLE, x + 1 AS y FROM demo WHERE y > 3 ORDER BY y DESC, x ASC, abs(x) LIMIT "
             "10",
             "SELECT avg(t) AS t FROM demo GROUP BY room, TUMBLINGWINDOW(ss, 10) HAVING avg(t) > 20 ORDER BY "
             "t",
             "SELECT window_start(), window_end() FROM demo GROUP BY HOPPINGWINDOW(mi, 10, 5)",
             "SELECT count(*) FROM demo GROUP BY SESSIONWINDOW(hh, 2, 1) FILTER(WHERE a > 1)",
             "SELECT count(*) FROM demo GROUP BY SLIDINGWINDOW(ms, 500, 100) FILTER( where a > 1 ) OVER ( "
             "when b )",
             "SELECT collect(id) FROM demo GROUP BY STATEWINDOW(a > 1, a < 1) OVER (PARTITION BY b, c)",
             "SELECT l.id, r.v FROM l INNER JOIN r ON l.id = r.id AND l.v > 1 GROUP BY TUMBLINGWINDOW(ss, 1)",
             "SELECT * FROM a LEFT JOIN b ON a.x = b.x RIGHT JOIN c ON a.x = c.x FULL JOIN d CROSS JOIN e "
             "GROUP BY COUNTWINDOW(4, 2)",
             "SELECT demo.*, t.v AS v FROM demo AS d INNER JOIN t AS u ON d.id = u.id",
             "SELECT lag(a), lag(a, 2, 0, true) OVER (PARTITION BY b, c WHEN d > 1), latest(x) FROM demo",
             "SELECT changed_cols('c_', true, a, *, avg(b)) FROM demo WHERE had_changed(true, a)",
             "SELECT unnest(arr) AS u, a FROM demo",
             "SELECT row_number() OVER (PARTITION BY a ORDER BY b DESC, c) AS n FROM demo GROUP BY "
             "COUNTWINDOW(2)",
             "SELECT dedup_trigger(st, ed, nw, 1000) FROM demo",
             "SELECT meta(topic), meta(demo.topic), meta(device->id), mqtt(messageid), meta(*) FROM demo",
             "SELECT cast(a, 'bigint'), format_time(ts, 'yyyy-MM-dd\\'T\\'HH:mm:ss') FROM demo -- a comment",
             "SELECT /* first */ a, -- second\n b FROM topic/+/# WHERE a > 1",
             "SELECT abs(a,) FROM demo;",
         }) {
        EXPECT_EQ(testing::SelectError(sql), "") << sql;
    }
}

TEST(Statements, OfStreamsParse) {
    for (const std::string_view sql : {
             "CREATE STREAM demo () WITH (DATASOURCE=\"/api/data\", TYPE=\"websocket\", FORMAT=\"json\")",
             "create stream demo (temperature float, humidity bigint,) with (datasource=\"demo\");",
             "CREATE STREAM demo (id BIGINT, tags ARRAY(STRING), at STRUCT(lat FLOAT, lon FLOAT, x "
             "ARRAY(BIGINT))) "
             "WITH (DATASOURCE=\"d\" FORMAT=\"protobuf\" SCHEMAID=\"s.Message\" SHARED=\"true\")",
             "CREATE STREAM ev (id bigint, ts bigint) WITH (DATASOURCE=\"ev\", TYPE=\"memory\", "
             "TIMESTAMP=\"ts\")",
             "CREATE STREAM csv (a string) WITH (DATASOURCE=\"f\", FORMAT=\"delimited\", DELIMITER=\"|\")",
             "CREATE TABLE tab (id bigint, name string) WITH (DATASOURCE=\"t\", TYPE=\"memory\", "
             "RETAIN_SIZE=\"5\")",
             "CREATE TABLE look () WITH (DATASOURCE=\"t\", TYPE=\"memory\", KIND=\"lookup\", KEY=\"id\")",
             "CREATE STREAM demo (a bigint DEFAULT 5) WITH (DATASOURCE=\"d\", STRICT_VALIDATION=TRUE, "
             "CONF_KEY=\"x\")",
             "SHOW STREAMS",
             "show tables;",
             "DESCRIBE STREAM demo",
             "DESCRIBE TABLE tab",
             "EXPLAIN STREAM demo",
             "DROP STREAM demo;",
             "DROP TABLE tab",
         }) {
        EXPECT_EQ(testing::DdlError(sql), "") << sql;
    }
}

}  // namespace
}  // namespace haumea::sql
