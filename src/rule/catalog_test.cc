#include "rule/catalog.h"

#include <gtest/gtest.h>

#include "rule/describe.h"

namespace haumea::rule {
namespace {

constexpr const char* kDemo =
    R"(CREATE STREAM demo (a bigint) WITH (DATASOURCE="/demo", TYPE="websocket", FORMAT="json"))";

class CatalogTest : public ::testing::Test {
  protected:
    std::string Run(std::string_view sql) {
        const auto answer = catalog_.Execute(sql);
        return answer ? *answer : answer.error().message;
    }
    std::string Replace(std::string_view name, std::string_view sql) {
        const auto answer = catalog_.Replace(sql::StreamKind::kStream, name, sql);
        return answer ? *answer : answer.error().message;
    }
    std::unique_ptr<store::Store> store_ = store::MakeMemoryStore();
    Catalog catalog_{store_->Table("stream")};
};

TEST_F(CatalogTest, RunsEveryStatement) {
    EXPECT_EQ(Run("SHOW STREAMS"), "No stream definitions are found.");
    EXPECT_EQ(Run(kDemo), "Stream demo is created.");
    EXPECT_EQ(Run(kDemo), "Create stream fails: Item demo already exists.");
    EXPECT_EQ(Run(R"(CREATE TABLE t () WITH (DATASOURCE="t", TYPE="memory"))"), "Table t is created.");
    EXPECT_EQ(Run("SHOW STREAMS"), "demo");
    EXPECT_EQ(Run("SHOW TABLES"), "t");
    EXPECT_EQ(Run("DESCRIBE STREAM demo"),
              "Fields\n" + std::string(80, '-') +
                  "\na\tbigint\n\nDATASOURCE: /demo\nFORMAT: json\nTYPE: websocket\n");
    EXPECT_EQ(Run("EXPLAIN STREAM demo"), "TO BE SUPPORTED");
    EXPECT_EQ(Run("EXPLAIN STREAM x"), "Explain stream fails, x is not found.");
    EXPECT_EQ(Run("DESCRIBE STREAM t"), "Describe stream fails, stream t is not found.");
    EXPECT_EQ(Run("DROP STREAM demo"), "Stream demo is dropped.");
    EXPECT_EQ(Run("DROP STREAM demo"), "Drop stream fails: stream demo is not found.");
    EXPECT_EQ(Run(R"(CREATE TABLE l () WITH (DATASOURCE="t", TYPE="memory", KIND="lookup"))"),
              "Option \"key\" is required for memory lookup table.");
}

TEST_F(CatalogTest, SurvivesARestartExceptTemporaryStreams) {
    Run(kDemo);
    Run(R"(CREATE STREAM tmp () WITH (DATASOURCE="/t", TEMP="true"))");
    ASSERT_TRUE(store_->Table("stream").Set("broken", "{"));
    Catalog again(store_->Table("stream"));
    ASSERT_TRUE(again.Load());
    EXPECT_NE(again.FindStream("demo"), nullptr);
    EXPECT_EQ(again.FindStream("tmp"), nullptr);
    EXPECT_NE(catalog_.FindStream("tmp"), nullptr);
    EXPECT_EQ(again.FindStream("broken"), nullptr);
}

TEST_F(CatalogTest, ReplaceKeepsNameKindSharedAndVersion) {
    Run(R"(CREATE STREAM demo () WITH (DATASOURCE="/a", VERSION="2"))");
    EXPECT_EQ(Replace("demo", R"(CREATE STREAM other () WITH (DATASOURCE="/a"))"),
              "Replace demo fails: the sql statement must update the demo source.");
    EXPECT_EQ(Replace("demo", R"(CREATE STREAM demo () WITH (DATASOURCE="/a", SHARED="true", VERSION="3"))"),
              "Replace demo fails: do not support to change stream SHARED option.");
    EXPECT_EQ(Replace("demo", R"(CREATE STREAM demo () WITH (DATASOURCE="/a", TEMP="true"))"),
              "Replace demo fails: cannot replace with temp option.");
    EXPECT_EQ(Replace("demo", R"(CREATE STREAM demo () WITH (DATASOURCE="/a", VERSION="2"))"),
              "source demo already exists with version (2), new version (2) is lower");
    EXPECT_EQ(Replace("demo", R"(CREATE TABLE demo () WITH (DATASOURCE="/a", VERSION="3"))"),
              "stream demo is not found");
    EXPECT_EQ(Replace("demo", "SHOW STREAMS"), "Invalid stream statement: SHOW STREAMS");
    EXPECT_EQ(Replace("demo", R"(CREATE STREAM demo () WITH (DATASOURCE="/b", VERSION="3"))"),
              "Stream demo is replaced.");
    EXPECT_EQ(catalog_.FindStream("demo")->options.datasource, "/b");
}

TEST_F(CatalogTest, AStreamThatARunningRuleReadsIsDroppedOnlyByForce) {
    Run(kDemo);
    catalog_.SetUsage([](const std::string& name) { return name == "demo"; });
    const auto refused = catalog_.Drop(sql::StreamKind::kTable, "demo", Force::kNo);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message, "stream demo has been referenced by other rules");
    EXPECT_EQ(*catalog_.Drop(sql::StreamKind::kTable, "demo", Force::kYes), "Table demo is dropped.");
    EXPECT_EQ(catalog_.Drop(sql::StreamKind::kStream, "demo", Force::kNo).error().code, ErrorCode::kNotFound);
}

TEST_F(CatalogTest, SecretsInOptionsAreMaskedAndAMaskIsRefused) {
    const auto make = [](const std::string& query, const std::string& token) {
        return R"(CREATE STREAM demo () WITH (TYPE="websocket", DATASOURCE="/x?token=)" + query +
               R"(", EXTRA="{\"addr\":\"h:1\",\"requestHeader\":{\"Authorization\":\")" + token + R"(\"}}"))";
    };
    EXPECT_EQ(Run(make("s3c", "s3c")), "Stream demo is created.");
    const auto def = catalog_.FindStream("demo");
    ASSERT_NE(def, nullptr);
    const std::string shown = DescribeText(*def) + config::ToJson(DescribeJson(*def));
    EXPECT_EQ(shown.find("s3c"), std::string::npos) << shown;
    EXPECT_NE(shown.find(R"(EXTRA: {"addr":"h:1","requestHeader":{"Authorization":"******"}})"),
              std::string::npos)
        << shown;
    EXPECT_NE(shown.find("DATASOURCE: /x?token=******\n"), std::string::npos) << shown;
    EXPECT_EQ(Replace("demo", make("s3c", "******")),
              "option EXTRA: requestHeader.Authorization is masked: give the value");
    EXPECT_EQ(Replace("demo", make("******", "s3c")), "option DATASOURCE is masked: give the value");
    Run("DROP STREAM demo");
    EXPECT_EQ(Run(make("s3c", "******")),
              "option EXTRA: requestHeader.Authorization is masked: give the value");
}

TEST_F(CatalogTest, JsonShowsColumnsAndSetOptions) {
    Run(R"(CREATE STREAM demo (a bigint, b array(struct(x bigint)), f boolean DEFAULT TRUE)
           WITH (DATASOURCE="/demo", SHARED="true", RETAIN_SIZE="3"))");
    const auto def = catalog_.FindStream("demo");
    ASSERT_NE(def, nullptr);
    EXPECT_EQ(
        config::ToJson(DescribeJson(*def)),
        R"({"Name":"demo","StreamFields":[{"FieldType":"bigint","Name":"a"},{"FieldType":{"Type":"array",)"
        R"("ElementType":{"Type":"struct","Fields":[{"FieldType":"bigint","Name":"x"}]}},"Name":"b"},)"
        R"({"FieldType":"boolean","Name":"f","DefaultClause":"true"}],"Options":{"datasource":"/demo",)"
        R"("shared":true,"retainSize":3},"StreamType":0,"Statement":null})");
    EXPECT_EQ(config::ToJson(SchemaJson(*def)),
              R"({"a":{"type":"bigint","index":0},"b":{"type":"array","items":{"type":"struct","properties":)"
              R"({"x":{"type":"bigint","index":0}},"index":0},"index":0},)"
              R"("f":{"type":"boolean","default":"true","index":0}})");
    EXPECT_EQ(config::ToJson(DetailsJson(*def)), R"({"name":"demo","type":"mqtt","format":"json"})");
}

}  // namespace
}  // namespace haumea::rule
