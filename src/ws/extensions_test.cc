#include "ws/extensions.h"

#include <gtest/gtest.h>

#include <string>

namespace haumea::ws {
namespace {

std::string Answer(std::string_view offer, ServerDeflatePolicy policy = {}) {
    policy.enabled = true;
    const auto offers = ParseExtensions(offer);
    EXPECT_TRUE(offers) << offer;
    return AnswerDeflate(offers.value_or(std::vector<Extension>()), policy).header;
}

TEST(Extensions, ReadsListsParametersAndQuotedValues) {
    const auto list = ParseExtensions(" foo , bar; x ; y=1;z = \"t\\w\" ,, baz");
    ASSERT_TRUE(list);
    ASSERT_EQ(list->size(), 3U);
    EXPECT_EQ((*list)[0].name, "foo");
    ASSERT_EQ((*list)[1].params.size(), 3U);
    EXPECT_FALSE((*list)[1].params[0].value);
    EXPECT_EQ((*list)[1].params[1].value, "1");
    EXPECT_EQ((*list)[1].params[2].value, "tw");
}

TEST(Extensions, RefusesMalformedLists) {
    for (const char* text :
         {"", " , ", "foo;", "foo; =1", "foo; a=", "foo; a=\"", "foo; a=\"b c\"", "foo; a=\"\"", "foo bar",
          ";", "foo; a=\"b\\", "foo/bar", "foo; a b", "foo\x01"}) {
        EXPECT_FALSE(ParseExtensions(text)) << text;
    }
}

TEST(DeflateAnswer, AddsServerNoContextTakeoverUnasked) {
    EXPECT_EQ(Answer("permessage-deflate"), "permessage-deflate; server_no_context_takeover");
    EXPECT_EQ(Answer("permessage-deflate; client_max_window_bits"),
              "permessage-deflate; server_no_context_takeover");
}

TEST(DeflateAnswer, TakesOverWhatWasAskedFor) {
    EXPECT_EQ(Answer("permessage-deflate; client_no_context_takeover; server_max_window_bits=10; "
                     "client_max_window_bits=11"),
              "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
              "server_max_window_bits=10; client_max_window_bits=11");
}

TEST(DeflateAnswer, PolicyWithoutSharedCompressorFollowsTheOffer) {
    ServerDeflatePolicy policy;
    policy.server_no_context_takeover = false;
    EXPECT_EQ(Answer("permessage-deflate", policy), "permessage-deflate");
    EXPECT_EQ(Answer("permessage-deflate; server_no_context_takeover", policy),
              "permessage-deflate; server_no_context_takeover");
}

TEST(DeflateAnswer, PassesOverOffersWithSmallerWindowsThanAllowed) {
    ServerDeflatePolicy policy;
    policy.min_server_window_bits = 15;
    EXPECT_EQ(Answer("permessage-deflate; server_max_window_bits=9", policy), "");
    EXPECT_EQ(Answer("permessage-deflate; server_max_window_bits=9, permessage-deflate", policy),
              "permessage-deflate; server_no_context_takeover");
    EXPECT_EQ(Answer("permessage-deflate; server_max_window_bits=15", policy),
              "permessage-deflate; server_no_context_takeover; server_max_window_bits=15");
}

TEST(DeflateAnswer, LimitsTheClientsWindowOnlyWhenItUnderstands) {
    ServerDeflatePolicy policy;
    policy.client_window_bits = 10;
    EXPECT_EQ(Answer("permessage-deflate", policy), "permessage-deflate; server_no_context_takeover");
    EXPECT_EQ(Answer("permessage-deflate; client_max_window_bits", policy),
              "permessage-deflate; server_no_context_takeover; client_max_window_bits=10");
}

TEST(DeflateAnswer, DeclinesMalformedOffersAndTakesTheNext) {
    for (const char* bad :
         {"permessage-deflate; foo", "permessage-deflate; server_max_window_bits",
          "permessage-deflate; server_max_window_bits=7", "permessage-deflate; server_max_window_bits=16",
          "permessage-deflate; server_max_window_bits=010",
          "permessage-deflate; server_no_context_takeover=1",
          "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
          "permessage-deflate; client_max_window_bits=abc", "x-webkit-deflate-frame",
          "permessage-deflate; client_max_window_bits; client_max_window_bits"}) {
        EXPECT_EQ(Answer(bad), "") << bad;
        EXPECT_EQ(Answer(std::string(bad) + ", permessage-deflate"),
                  "permessage-deflate; server_no_context_takeover")
            << bad;
    }
}

TEST(DeflateAnswer, DisabledPolicyAgreesToNothing) {
    EXPECT_FALSE(AnswerDeflate(*ParseExtensions("permessage-deflate"), {}).params.enabled);
}

TEST(DeflateOffer, AlwaysMentionsTheClientWindow) {
    EXPECT_EQ(MakeDeflateOffer({}), "");
    EXPECT_EQ(MakeDeflateOffer({.enabled = true}), "permessage-deflate; client_max_window_bits");
    EXPECT_EQ(MakeDeflateOffer({.enabled = true,
                                .server_no_context_takeover = true,
                                .client_no_context_takeover = true,
                                .server_max_window_bits = 10,
                                .client_max_window_bits = 9}),
              "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
              "server_max_window_bits=10; client_max_window_bits=9");
}

TEST(DeflateCheck, AcceptsWhatAServerMaySay) {
    const ClientDeflateOffer offer{.enabled = true};
    const AcceptedDeflate accepted = CheckDeflateAnswer(
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
        "server_max_window_bits=9; "
        "client_max_window_bits=\"12\"",
        offer);
    ASSERT_EQ(accepted.problem, nullptr);
    EXPECT_EQ(accepted.params, (DeflateParams{.enabled = true,
                                              .server_no_context_takeover = true,
                                              .client_no_context_takeover = true,
                                              .server_max_window_bits = 9,
                                              .client_max_window_bits = 12}));
}

TEST(DeflateCheck, OwnLimitsHoldWhenTheServerIsSilentAboutThem) {
    const AcceptedDeflate accepted = CheckDeflateAnswer(
        "permessage-deflate",
        {.enabled = true, .client_no_context_takeover = true, .client_max_window_bits = 10});
    ASSERT_EQ(accepted.problem, nullptr);
    EXPECT_TRUE(accepted.params.client_no_context_takeover);
    EXPECT_EQ(accepted.params.client_max_window_bits, 10);
}

TEST(DeflateCheck, RefusesWhatWasNotOffered) {
    const ClientDeflateOffer offer{.enabled = true};
    for (const char* bad :
         {"foo", "permessage-deflate, foo", "permessage-deflate, permessage-deflate",
          "permessage-deflate; foo", "permessage-deflate; client_max_window_bits",
          "permessage-deflate; server_max_window_bits=16", "permessage-deflate; server_max_window_bits",
          "permessage-deflate; server_no_context_takeover=0", "permessage-deflate;", "Permessage-deflate2"}) {
        EXPECT_NE(CheckDeflateAnswer(bad, offer).problem, nullptr) << bad;
    }
    EXPECT_NE(CheckDeflateAnswer("permessage-deflate", {}).problem, nullptr);
}

TEST(DeflateCheck, RefusesAnswersBelowTheOffer) {
    EXPECT_NE(CheckDeflateAnswer("permessage-deflate; client_max_window_bits=11",
                                 {.enabled = true, .client_max_window_bits = 10})
                  .problem,
              nullptr);
    EXPECT_NE(CheckDeflateAnswer("permessage-deflate", {.enabled = true, .server_no_context_takeover = true})
                  .problem,
              nullptr);
    EXPECT_NE(
        CheckDeflateAnswer("permessage-deflate", {.enabled = true, .server_max_window_bits = 10}).problem,
        nullptr);
}

}  // namespace
}  // namespace haumea::ws
