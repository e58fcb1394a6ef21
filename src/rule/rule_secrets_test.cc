#include "rule/rule_secrets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rule/connections_secrets.h"

namespace haumea::rule {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kRule = R"({ "id":"r","sql":"SELECT a FROM b","actions":[{"log":{}},{"websocket":{)"
                              R"("addr":"h:1","path":"/x?token=s3c&a=1","proxy":"http://u:s3c@p:1",)"
                              R"("requestHeader":{"Authorization":"s3c","X":"1"}}}]})";

TEST(RuleSecrets, AreMaskedInActionsAndNothingElseChanges) {
    const std::string plain = R"({ "id":"r",  "actions":[{"log":{"dataTemplate":"token ******"}}]})";
    EXPECT_EQ(MaskRule(plain), plain);
    EXPECT_EQ(MaskRule("no json"), "no json");
    const std::string masked = MaskRule(kRule);
    EXPECT_THAT(masked, Not(HasSubstr("s3c")));
    EXPECT_THAT(masked, HasSubstr(R"("path":"/x?token=******&a=1","proxy":"http://******@p:1")"));
    EXPECT_THAT(masked, HasSubstr(R"("requestHeader":{"Authorization":"******","X":"1"})"));
}

TEST(RuleSecrets, AMaskThatComesBackKeepsWhatIsStored) {
    const auto whole = UnmaskRule(MaskRule(kRule), kRule);
    ASSERT_TRUE(whole) << whole.error().message;
    EXPECT_EQ(MaskSecrets(*config::ParseJson(*whole)), MaskSecrets(*config::ParseJson(kRule)));
    EXPECT_EQ(*config::ParseJson(*whole), *config::ParseJson(kRule));
    EXPECT_EQ(*UnmaskRule(kRule, ""), kRule);
    EXPECT_THAT(UnmaskRule(MaskRule(kRule), "").error().message,
                HasSubstr("action 1.websocket.path is masked"));
}

TEST(RuleSecrets, AsterisksElsewhereAreText) {
    const std::string rule = R"({"id":"r","actions":[{"log":{"dataTemplate":"{\"password\":\"******\"}"}}]})";
    EXPECT_EQ(*UnmaskRule(rule, ""), rule);
}

}  // namespace
}  // namespace haumea::rule
