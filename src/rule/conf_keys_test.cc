#include "rule/conf_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace haumea::rule {
namespace {

using config::Node;
using ::testing::HasSubstr;
using Kind = ConfKeys::Kind;

Node Json(std::string_view text) { return *config::ParseJson(text); }

class ConfKeysTest : public ::testing::Test {
  protected:
    ConfKeysTest() {
        config::ConfKeys files;
        files.Add("websocket", Json(R"({"default":{"addr":"a:1"},"plant":{"addr":"b:2","path":"/p"}})"));
        keys_ = std::make_unique<ConfKeys>(files, config::ConfKeys(), store_->Table("confKey"));
        EXPECT_TRUE(keys_->Load());
    }
    std::string Properties(std::string_view key) const {
        return config::ToJson(keys_->Properties(Kind::kSource, "websocket", key));
    }
    static std::string ErrorOf(const Result<void>& result) { return result ? "" : result.error().message; }

    std::unique_ptr<store::Store> store_ = store::MakeMemoryStore();
    std::unique_ptr<ConfKeys> keys_;
};

TEST_F(ConfKeysTest, StoredPropertiesLieOverThoseOfTheFile) {
    ASSERT_TRUE(keys_->Put(Kind::kSource, "WebSocket", "Plant", Json(R"({"Path":"/q","new":1})")));
    EXPECT_EQ(Properties("plant"), R"({"addr":"b:2","Path":"/q","new":1})");
    ASSERT_TRUE(keys_->Delete(Kind::kSource, "websocket", "Plant"));
    EXPECT_EQ(Properties("plant"), R"({"addr":"b:2","path":"/p"})");
}

TEST_F(ConfKeysTest, AnyTypeMayHaveGroupsAndKindsAreApart) {
    ASSERT_TRUE(keys_->Put(Kind::kSink, "mqtt", "k", Json(R"({"a":1})")));
    EXPECT_EQ(config::ToJson(*keys_->Groups(Kind::kSink, "mqtt")), R"({"k":{"a":1}})");
    EXPECT_FALSE(keys_->Groups(Kind::kSource, "mqtt"));
    EXPECT_EQ(config::ToJson(keys_->Stored(Kind::kSink)), R"({"k":"mqtt"})");
}

TEST_F(ConfKeysTest, WhatIsStoredIsThereAfterARestart) {
    ASSERT_TRUE(keys_->Put(Kind::kSource, "websocket", "k", Json(R"({"addr":"c:3"})")));
    ConfKeys again({}, {}, store_->Table("confKey"));
    ASSERT_TRUE(again.Load());
    EXPECT_EQ(config::ToJson(again.Properties(Kind::kSource, "websocket", "k")), R"({"addr":"c:3"})");
}

TEST_F(ConfKeysTest, DeletingWhatIsNotStoredIsRefusedAndHarmsNothing) {
    EXPECT_EQ(ErrorOf(keys_->Delete(Kind::kSource, "websocket", "plant")),
              "Failed to write data to file:sources.websocket.sources.websocket.plant is not found");
    EXPECT_EQ(ErrorOf(keys_->Delete(Kind::kSink, "nosuch", "k")), "This plugin was not found:sinks.nosuch");
    EXPECT_TRUE(keys_->Put(Kind::kSource, "websocket", "plant", Json("{}")));
}

TEST_F(ConfKeysTest, SecretsAreShownMaskedAndAMaskKeepsThem) {
    ASSERT_TRUE(keys_->Put(Kind::kSource, "websocket", "k", Json(R"({"privateKeyRaw":"abc","addr":"a:1"})")));
    const Node shown = *keys_->Groups(Kind::kSource, "websocket");
    EXPECT_EQ(config::ToJson(*shown.Find("k")), R"({"privateKeyRaw":"******","addr":"a:1"})");
    ASSERT_TRUE(keys_->Put(Kind::kSource, "websocket", "k", *shown.Find("k")));
    EXPECT_THAT(Properties("k"), HasSubstr(R"("privateKeyRaw":"abc")"));
    EXPECT_THAT(ErrorOf(keys_->Put(Kind::kSource, "websocket", "n", Json(R"({"privateKeyRaw":"******"})"))),
                HasSubstr("give the value"));
}

TEST_F(ConfKeysTest, NamesAreChecked) {
    EXPECT_THAT(ErrorOf(keys_->Put(Kind::kSource, "websocket", "a.b", Json("{}"))),
                HasSubstr("Invalid confKey: "));
    EXPECT_THAT(ErrorOf(keys_->Put(Kind::kSource, "a/b", "k", Json("{}"))), HasSubstr("Invalid type: "));
}

TEST_F(ConfKeysTest, WholeNumbersOfTimesBecomeDurations) {
    ASSERT_TRUE(
        keys_->Put(Kind::kSource, "simulator", "k", Json(R"({"interval":500,"timeout":10000,"n":5})")));
    EXPECT_EQ(config::ToJson(*keys_->Groups(Kind::kSource, "simulator")->Find("k")),
              R"({"interval":"500ms","timeout":"10s","n":5})");
}

}  // namespace
}  // namespace haumea::rule
