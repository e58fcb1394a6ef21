#include "sql/ddl.h"

#include <gtest/gtest.h>

#include "sql/json_check.h"
#include "sql/sql_test_support.h"

namespace haumea::sql {
namespace {

using testing::DdlError;

StreamDef Create(std::string_view sql) {
    auto stmt = ParseStreamStatement(sql);
    EXPECT_TRUE(stmt) << sql << ": " << (stmt ? "" : stmt.error().message);
    return stmt ? std::get<StreamDef>(std::move(*stmt)) : StreamDef{};
}

TEST(Create, ReadsColumnsOfEveryType) {
    const std::string_view sql =
        "CREATE STREAM demo (a bigint, b array(struct(x bigint, y string)), c struct(z float), d datetime, e "
        "BYTEA, "
        "f boolean DEFAULT TRUE, g string DEFAULT \"q\", h array(array(float)), `order` bigint DEFAULT -5,) "
        "WITH (DATASOURCE=\"/demo\", TYPE=\"websocket\")";
    const StreamDef def = Create(sql);
    EXPECT_EQ(def.kind, StreamKind::kStream);
    EXPECT_EQ(def.name, "demo");
    EXPECT_EQ(def.text, sql);
    EXPECT_FALSE(def.schemaless());
    std::string types;
    for (const StreamField& field : def.fields) {
        types += field.name + ":" + field.type.ToString();
        types += field.default_value ? "=" + ToString(*field.default_value) + "\n" : "\n";
    }
    EXPECT_EQ(types,
              "a:bigint\nb:array(struct(x bigint, y string))\nc:struct(z float)\nd:datetime\ne:bytea\n"
              "f:boolean=true\ng:string=q\nh:array(array(float))\norder:bigint=-5\n");
}

TEST(Create, ReadsEveryOption) {
    const StreamDef def = Create(
        "create table t () with (datasource=\"d\" Format=\"JSON\",, KEY=\"k\" CONF_KEY=\"c\", "
        "SHARED=\"true\", "
        "STRICT_VALIDATION=TRUE, TYPE=\"memory\", TIMESTAMP=\"ts\", TIMESTAMP_FORMAT=\"YYYY\", "
        "RETAIN_SIZE=\"3\", "
        "SCHEMAID=\"f.M\", EXTRA=\"{\\\"a\\\": [1, 2.5e3, null]}\", VERSION=\"V2\", TEMP=FALSE, "
        "KIND=\"LOOKUP\", "
        "DELIMITER=\";\"); rest is ignored '");
    EXPECT_TRUE(def.schemaless());
    EXPECT_TRUE(def.is_lookup());
    const StreamOptions& o = def.options;
    EXPECT_EQ(o.datasource, "d");
    EXPECT_EQ(o.format, "JSON");
    EXPECT_EQ(o.key, "k");
    EXPECT_EQ(o.conf_key, "c");
    EXPECT_TRUE(o.shared);
    EXPECT_TRUE(o.strict_validation);
    EXPECT_EQ(o.type, "memory");
    EXPECT_EQ(o.timestamp, "ts");
    EXPECT_EQ(o.timestamp_format, "YYYY");
    EXPECT_EQ(o.retain_size, 3);
    EXPECT_EQ(o.schema_id, "f.M");
    EXPECT_EQ(o.extra, "{\"a\": [1, 2.5e3, null]}");
    EXPECT_EQ(o.version, "v2");
    EXPECT_FALSE(o.temp);
    EXPECT_EQ(o.kind, "lookup");
    EXPECT_EQ(o.delimiter, ";");
}

TEST(Create, AcceptsWhatEkuiperAccepts) {
    for (const std::string_view sql : {
             "CREATE STREAM demo () WITH ()",
             "CREATE STREAM demo () WITH (DATASOURCE=\"/d\", FORMAT=\"\")",
             "CREATE STREAM demo (a bigint, a string) WITH (DATASOURCE=\"/d\")",
             "CREATE STREAM demo () WITH (\"DATASOURCE\"=\"x\")",
             "CREATE STREAM demo () WITH (RETAIN_SIZE=\"-3\")",
             "CREATE STREAM demo () WITH (TYPE=\"nosuch\") ; garbage",
             "CREATE STREAM demo (x bytea) WITH (FORMAT=\"BINARY\")",
             "CREATE STREAM demo () WITH (FORMAT=\"binary\")",
             "CREATE TABLE demo () WITH (KIND=\"nosuch\")",
         }) {
        EXPECT_EQ(DdlError(sql), "") << sql;
    }
}

struct Case {
    std::string_view sql;
    std::string_view message;
};

constexpr std::string_view kKeys =
    "unknown option "
    "keys(DATASOURCE|FORMAT|KEY|CONF_KEY|SHARED|STRICT_VALIDATION|TYPE|TIMESTAMP|TIMESTAMP_FORMAT|"
    "RETAIN_SIZE|SCHEMAID|EXTRA|VERSION|TEMP|KIND|DELIMITER).";
constexpr std::string_view kTypes =
    "expect valid stream field types(BIGINT | FLOAT | STRING | DATETIME | BOOLEAN | BYTEA | ARRAY | STRUCT).";

TEST(DdlError, UsesEkuiperWords) {
    const Case cases[] = {
        {"CREATE VIEW demo", R"(found "VIEW", expected keyword stream or table.)"},
        {"CREATE", R"(found "EOF", expected keyword stream or table.)"},
        {"CREATE STREAM", R"(found "EOF", expected stream name.)"},
        {"CREATE STREAM select () WITH ()", R"(found "SELECT", expected stream name.)"},
        {"CREATE STREAM _demo () WITH ()", R"(found "", expected stream name.)"},
        {"CREATE STREAM demo", R"(found "EOF", expected lparen after stream name.)"},
        {"CREATE STREAM demo WITH (DATASOURCE=\"d\")", R"(found "WITH", expected lparen after stream name.)"},
        {"CREATE STREAM IF NOT EXISTS demo ()", R"(found "NOT", expected lparen after stream name.)"},
        {"CREATE STREAM demo.x () WITH ()", R"(found ".", expected lparen after stream name.)"},
        {"CREATE STREAM demo ()", R"(found "EOF", expected is with.)"},
        {"CREATE STREAM demo () WITHS ()", R"(found "WITHS", expected is with.)"},
        {"CREATE STREAM demo () WITH", R"(found "EOF", expect stream options.)"},
        {"CREATE STREAM demo () WITH x", R"(found "x", expect stream options.)"},
        {"CREATE STREAM demo ((a bigint)) WITH ()", R"(found "(", expect stream field name.)"},
        {"CREATE STREAM demo (order bigint) WITH ()", R"(found "ORDER", expect stream field name.)"},
        {"CREATE STREAM demo (ss bigint) WITH ()", R"(found "SS", expect stream field name.)"},
        {"CREATE STREAM demo (a bigint b string) WITH ()", R"(found "b", expect comma or rparen.)"},
        {"CREATE STREAM demo (a array) WITH ()", R"(found "WITH", expect comma or rparen.)"},
        {"CREATE STREAM demo (a array[bigint]) WITH ()", R"(found "bigint", expect comma or rparen.)"},
        {"CREATE STREAM demo (a array, b bigint) WITH ()", R"(found "b", expect comma or rparen.)"},
        {"CREATE STREAM demo (a array()) WITH ()", "found \")\", expect stream data types."},
        {"CREATE STREAM demo (a array(int)) WITH ()", R"(found "int", expect stream data types.)"},
        {"CREATE STREAM demo (a array(bigint) WITH ()", R"(found "WITH", expect comma or rparen.)"},
        {"CREATE STREAM demo (a array(bigint x)) WITH ()",
         R"(found "x", expect rparen in array type definition.)"},
        {"CREATE STREAM demo (a struct(x bigint) WITH ()",
         R"(found "(", expect comma in create stream record statement.)"},
        {"CREATE STREAM demo (a struct()) WITH ()", "found \")\", expected is with."},
        {"CREATE STREAM demo (a bigint DEFAULT x) WITH ()", R"(found "x", expect default constraint value.)"},
        {"CREATE STREAM demo (a bigint DEFAULT 1.5) WITH ()", "cannot convert string(1.5) to int64"},
        {"CREATE STREAM demo (a bigint DEFAULT \"bar\") WITH ()", "cannot convert string(bar) to int64"},
        {"CREATE STREAM demo (a bigint DEFAULT 9223372036854775808) WITH ()",
         "cannot convert string(9223372036854775808) to int64"},
        {"CREATE STREAM demo (a float DEFAULT \"x\") WITH ()", "cannot convert string(x) to float64"},
        {"CREATE STREAM demo (a float DEFAULT \"inf\") WITH ()", "cannot convert string(inf) to float64"},
        {"CREATE STREAM demo (a boolean DEFAULT \"yes\") WITH ()",
         "strconv.ParseBool: parsing \"yes\": invalid syntax"},
        {"CREATE STREAM demo (a datetime DEFAULT 1) WITH ()", "DEFAULT clause is not supported for datetime"},
        {"CREATE STREAM demo (a bytea DEFAULT 1) WITH ()", "DEFAULT clause is not supported for bytea"},
        {"CREATE STREAM demo (a array(bigint) DEFAULT 1) WITH ()",
         "DEFAULT clause is not supported for *ast.ArrayType"},
        {"CREATE STREAM demo () WITH (DATASOURCE)", "found \")\", expect equals(=) in options."},
        {"CREATE STREAM demo () WITH (DATASOURCE \"d\")", R"(found "d", expect equals(=) in options.)"},
        {"CREATE STREAM demo () WITH (DATASOURCE='x')",
         R"(found "x", expect string or boolean value in option.)"},
        {"CREATE STREAM demo () WITH (RETAIN_SIZE=3)",
         R"(found "3", expect string or boolean value in option.)"},
        {"CREATE STREAM demo () WITH (STRICT_VALIDATION=\"true1\")",
         R"(found "true1", expect TRUE/FALSE value in STRICT_VALIDATION option.)"},
        {"CREATE STREAM demo () WITH (SHARED=\"1\")",
         R"(found "1", expect TRUE/FALSE value in SHARED option.)"},
        {"CREATE STREAM demo () WITH (TEMP=\"\")", R"(found "", expect TRUE/FALSE value in TEMP option.)"},
        {"CREATE STREAM demo () WITH (RETAIN_SIZE=\"x\")",
         R"(found "x", expect number value in RETAIN_SIZE option.)"},
        {"CREATE STREAM demo () WITH (EXTRA=\"{a:1}\")", "invalid extra option, expect JSON string"},
        {"CREATE STREAM demo () WITH (FORMAT=\"xyz\")", "option 'format=xyz' is invalid"},
        {"CREATE STREAM demo () WITH (TYPE=\"x\") garbage", R"(found "garbage", expected semicolon or EOF.)"},
        {"CREATE STREAM demo (x bytea, y bytea) WITH (FORMAT=\"binary\")",
         "'binary' format stream can have only one field"},
        {"CREATE STREAM demo (x string) WITH (FORMAT=\"binary\")",
         "'binary' format stream can have only 'bytea' type field"},
        {"CREATE TABLE demo () WITH (FORMAT=\"binary\")", "'binary' format is not supported for table"},
        {"CREATE TABLE demo () WITH (TYPE=\"memory\", KIND=\"lookup\")",
         "Option \"key\" is required for memory lookup table."},
        {"CREATE STREAM `de mo` () WITH ()",
         "id 'de mo' contains invalid characters: only alphanumeric, hyphens and underscores are allowed"},
        {"CREATE STREAM ` demo` () WITH ()", "id ' demo' contains leading or trailing whitespace"},
        {"CREATE STREAM `` () WITH ()", "id cannot be empty"},
        {"SHOW", R"(found "EOF", expected keyword streams or tables.)"},
        {"SHOW STREAM", R"(found "STREAM", expected keyword streams or tables.)"},
        {"SHOW STREAMS garbage", R"(found "garbage", expected semecolon or EOF.)"},
        {"DESCRIBE", R"(found "EOF", expected keyword stream or table.)"},
        {"DESCRIBE STREAM", R"(found "EOF", expected stream name.)"},
        {"DESCRIBE TABLE 5", R"(found "5", expected table name.)"},
        {"DROP VIEW demo", R"(found "VIEW", expected keyword stream or table.)"},
        {"EXPLAIN SELECT * FROM demo", R"(found "SELECT", expected keyword stream or table.)"},
        {"", "Invalid stream statement: "},
        {"nonsense", "Invalid stream statement: nonsense"},
        {"DESC STREAM demo", "Invalid stream statement: DESC STREAM demo"},
        {"SELECT * FROM demo", "Invalid stream statement: SELECT * FROM demo"},
        {"SELECT * FRM demo", R"(found "FRM", expected FROM.)"},
    };
    for (const Case& c : cases) {
        EXPECT_EQ(DdlError(c.sql), c.message) << c.sql;
    }
    EXPECT_EQ(DdlError("CREATE STREAM demo () WITH (FOO=\"x\")"), "found \"FOO\", " + std::string(kKeys));
    EXPECT_EQ(DdlError("CREATE STREAM demo () WITH ("), "found \"EOF\", " + std::string(kKeys));
    EXPECT_EQ(DdlError("CREATE STREAM demo (a int) WITH ()"), "found \"int\", " + std::string(kTypes));
    EXPECT_EQ(DdlError("CREATE STREAM demo (a struct(x)) WITH ()"), "found \")\", " + std::string(kTypes));
}

// Every error of the grammar above knows where it is: at the token that it names.
TEST(DdlError, TellsThePlaceOfTheTokenItNames) {
    const std::pair<std::string_view, std::pair<int, int>> cases[] = {
        {"CREATE VIEW demo", {1, 8}},
        {"CREATE STREAM\n select () WITH ()", {2, 2}},
        {"CREATE STREAM demo", {1, 19}},
        {"CREATE STREAM demo ()\n\nWITHS ()", {3, 1}},
        {"CREATE STREAM demo (a int) WITH ()", {1, 23}},
        {"CREATE STREAM demo (a bigint b string) WITH ()", {1, 30}},
        {"CREATE STREAM demo (a array(int)) WITH ()", {1, 29}},
        {"CREATE STREAM demo (a struct(x)) WITH ()", {1, 31}},
        {"CREATE STREAM demo (a bigint DEFAULT x) WITH ()", {1, 38}},
        {"CREATE STREAM demo () WITH (DATASOURCE)", {1, 39}},
        {"CREATE STREAM demo () WITH (FOO=\"x\")", {1, 29}},
        {"CREATE STREAM demo () WITH (RETAIN_SIZE=3)", {1, 41}},
        {"CREATE STREAM demo () WITH (TYPE=\"x\") garbage", {1, 39}},
        {"SHOW STREAM", {1, 6}},
        {"DROP TABLE 5", {1, 12}},
    };
    for (const auto& [sql, place] : cases) {
        const auto parsed = ParseStreamStatement(sql);
        ASSERT_FALSE(parsed) << sql;
        EXPECT_EQ(std::pair(parsed.error().line, parsed.error().column), place) << sql;
    }
}

TEST(Ddl, ReadsTheSmallStatements) {
    const auto parse = [](std::string_view sql) {
        auto stmt = ParseStreamStatement(sql);
        EXPECT_TRUE(stmt) << sql;
        return *stmt;
    };
    EXPECT_EQ(std::get<ShowStmt>(parse("show tables;")).kind, StreamKind::kTable);
    EXPECT_EQ(std::get<DescribeStmt>(parse("DESCRIBE STREAM demo")).name, "demo");
    EXPECT_EQ(std::get<DropStmt>(parse("DROP TABLE `t`")).kind, StreamKind::kTable);
    EXPECT_EQ(std::get<DropStmt>(parse("DROP STREAM demo extra")).name, "demo");
    EXPECT_EQ(std::get<ExplainStmt>(parse("EXPLAIN STREAM demo")).name, "demo");
    EXPECT_EQ(ParseStreamSql("SHOW x").error().code, ErrorCode::kStream);
}

TEST(Default, ConvertsTextAsThePermissiveCastDoes) {
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"bigint DEFAULT \"0x1F\"", "31"},
        {"bigint DEFAULT \"010\"", "8"},
        {"bigint DEFAULT \"0b11\"", "3"},
        {"bigint DEFAULT \"1_000\"", "1000"},
        {"bigint DEFAULT -9223372036854775808", "-9223372036854775808"},
        {"bigint DEFAULT 0", "0"},
        {"float DEFAULT 2", "2"},
        {"float DEFAULT \"1e3\"", "1000"},
        {"float DEFAULT -1.5", "-1.5"},
        {"string DEFAULT 5", "5"},
        {"string DEFAULT 'x'", "x"},
        {"boolean DEFAULT \"t\"", "true"},
        {"boolean DEFAULT 0", "false"},
        {"boolean DEFAULT FALSE", "false"},
    };
    for (const auto& [type, value] : cases) {
        const StreamDef def = Create("CREATE STREAM s (a " + std::string(type) + ") WITH ()");
        ASSERT_EQ(def.fields.size(), 1u) << type;
        ASSERT_TRUE(def.fields[0].default_value) << type;
        EXPECT_EQ(ToString(*def.fields[0].default_value), value) << type;
    }
    for (const std::string_view bad : {"_1", "1_", "1__0", "0x", "--1", "+-1", "08", ""}) {
        EXPECT_NE(DdlError("CREATE STREAM s (a bigint DEFAULT \"" + std::string(bad) + "\") WITH ()"), "")
            << bad;
    }
}

TEST(IsJson, KnowsJsonFromTheRest) {
    for (const std::string_view good :
         {"1", "-0.5e+10", "\"a\\u00e4\\n\"", "[]", "{}", " [1, {\"a\": [true, null]}, \"x\"] ",
          "{\"a\": 1, \"b\": {\"c\": []}}"}) {
        EXPECT_TRUE(IsJson(good)) << good;
    }
    for (const std::string_view bad :
         {"",         "01",    ".5",  "1.",         "1e",  "[1,]", "[1 2]",   "{\"a\"}",
          "{\"a\":}", "{a:1}", "[",   "]",          "[1}", "\"a",  "\"\\q\"", "\"\\u12\"",
          "\"\n\"",   "tru",   "1 2", "{\"a\":1,}", "+1",  "NaN"}) {
        EXPECT_FALSE(IsJson(bad)) << bad;
    }
    EXPECT_TRUE(IsJson(std::string(400, '[') + std::string(400, ']')));
    EXPECT_FALSE(IsJson(std::string(100'000, '[')));
}

}  // namespace
}  // namespace haumea::sql
