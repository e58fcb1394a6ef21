#include "connect/properties.h"

#include <gtest/gtest.h>

namespace haumea::connect {
namespace {

config::Node Props(std::string_view json) { return std::move(*config::ParseJson(json)); }

std::string ErrorOf(const PropertyReader& reader) {
    const auto status = reader.status();
    return status ? "" : status.error().message;
}

TEST(PropertyReader, NamesIgnoreCaseAndNullIsAbsent) {
    const config::Node props = Props(R"({"SENDSINGLE":true,"delimiter":null,"batchsize":2.9})");
    PropertyReader reader(props, "sink x");
    EXPECT_TRUE(reader.Bool("sendSingle", false));
    EXPECT_EQ(reader.String("delimiter", ","), ",");
    EXPECT_EQ(reader.Int("batchSize", 0), 2);
    EXPECT_EQ(ErrorOf(reader), "");
}

TEST(PropertyReader, TypesAreStrictAndTheErrorNamesFieldValueAndRemedy) {
    const config::Node props = Props(R"({"sendSingle":"true","fields":"a","n":"1"})");
    PropertyReader reader(props, "sink x");
    reader.Bool("sendSingle", false);
    EXPECT_EQ(
        ErrorOf(reader),
        "sink x: property sendSingle is \"true\" (type string), but true or false without quotes is needed");
    reader.Strings("fields");
    EXPECT_NE(ErrorOf(reader).find("sendSingle"), std::string::npos) << "the first mistake stays";
    PropertyReader second(props, "sink x");
    second.Strings("fields");
    EXPECT_NE(ErrorOf(second).find("list"), std::string::npos);
    PropertyReader third(props, "sink x");
    third.Int("n", 0);
    EXPECT_NE(ErrorOf(third).find("property n"), std::string::npos);
}

TEST(PropertyReader, AliasesMayNotContradict) {
    const config::Node same = Props(R"({"path":"/a","datasource":"/a"})");
    PropertyReader good(same, "sink x");
    EXPECT_EQ(good.Aliased("path", "datasource"), "/a");
    EXPECT_EQ(ErrorOf(good), "");
    const config::Node different = Props(R"({"path":"/a","datasource":"/b"})");
    PropertyReader bad(different, "sink x");
    bad.Aliased("path", "datasource");
    EXPECT_NE(ErrorOf(bad).find("alias"), std::string::npos);
}

TEST(PropertyReader, KeysAndCertificatesAreNotRepeatedInAnError) {
    config::Node::Object members;
    members.emplace_back("certificationRaw", config::Node(std::string(2000, 'S')));
    members.emplace_back("certficationRaw", config::Node(std::string("x")));
    const config::Node props(std::move(members));
    PropertyReader reader(props, "sink x");
    reader.Aliased("certificationRaw", "certficationRaw");
    EXPECT_EQ(ErrorOf(reader),
              "sink x: certificationRaw and its alias certficationRaw are given and differ: give only one of "
              "the two");
}

TEST(Durations, AreTextsWithUnitsOrMilliseconds) {
    EXPECT_EQ(*ParseDurationMs("10s"), 10'000);
    EXPECT_EQ(*ParseDurationMs("1m30.5s"), 90'500);
    EXPECT_EQ(*ParseDurationMs("1h"), 3'600'000);
    EXPECT_EQ(*ParseDurationMs("-5ms"), -5);
    EXPECT_EQ(*ParseDurationMs("0"), 0);
    EXPECT_EQ(*ParseDurationMs("1500us"), 1);
    for (const char* text :
         {"", "x", "10", "s", "1 s", "1d", "--1s", "1s-", "9999999999h", "nan s", "infs"}) {
        EXPECT_FALSE(ParseDurationMs(text)) << text;
    }
    const config::Node props = Props(R"({"a":"2s","b":250,"c":"2","d":true})");
    PropertyReader reader(props, "x");
    EXPECT_EQ(reader.DurationMs("a", 0), 2000);
    EXPECT_EQ(reader.DurationMs("b", 0), 250);
    EXPECT_EQ(ErrorOf(reader), "");
    reader.DurationMs("c", 0);
    EXPECT_NE(ErrorOf(reader).find("\"2\" is no duration"), std::string::npos);
}

TEST(WarnUnknown, NamesWhatNoTableKnows) {
    constexpr PropertyDoc kKnown[] = {{"path", "string", "", ""}};
    std::vector<std::string> warnings;
    WarnUnknown(Props(R"({"PATH":"/x","pth":"/y"})"), "sink x", {kKnown}, warnings);
    EXPECT_EQ(warnings, std::vector<std::string>{"sink x: unknown property pth has no effect"});
}

TEST(CheckNames, RefusesNamesThatDifferInCaseAndDisagree) {
    EXPECT_TRUE(CheckNames(Props(R"({"a":1,"A":1,"b":{"x":1},"B":{"x":1}})"), "x"));
    EXPECT_EQ(CheckNames(Props(R"({"a":1,"b":2,"A":2})"), "x").error().message,
              "x: property a is given twice with different values, also as A: give only one");
}

}  // namespace
}  // namespace haumea::connect
