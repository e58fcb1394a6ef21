#include <gtest/gtest.h>

#include "codec/compress.h"
#include "connect/node_value.h"
#include "connect/registry.h"
#include "connect/services.h"
#include "io/virtual_scheduler.h"

namespace haumea::connect {
namespace {

// A transport that remembers, or refuses as told.
struct Wire {
    std::vector<std::string> messages;
    std::vector<bool> text;
    std::vector<std::vector<std::string>> dynamic;
    bool blocked = false;
    std::function<void()> ready;
};

class WireSink final : public MessageSink {
  public:
    explicit WireSink(Wire& wire) : wire_(&wire) {}
    Result<void> Open(metrics::NodeStats& stats) override {
        static_cast<void>(stats);
        return {};
    }
    Delivery Send(const EncodedMessage& message) noexcept override {
        if (wire_->blocked) {
            return Delivery::kBlocked;
        }
        wire_->messages.emplace_back(message.payload.view());
        wire_->text.push_back(message.is_text);
        wire_->dynamic.push_back(message.dynamic);
        return Delivery::kAccepted;
    }
    void SetReadyCallback(std::function<void()> ready) override { wire_->ready = std::move(ready); }
    void Close() override {}

  private:
    Wire* wire_;
};

class ActionTest : public testing::Test {
  protected:
    ActionTest() : services_(scheduler_) {
        SinkDescriptor descriptor;
        descriptor.type = "wire";
        descriptor.make_message_sink = [this](const SinkSpec&,
                                              Services&) -> Result<std::unique_ptr<MessageSink>> {
            return std::make_unique<WireSink>(wire_);
        };
        descriptor.dynamic_properties = [](const config::Node&) {
            return std::vector<std::string>{"path", "requestHeader"};
        };
        registry_.Add(std::move(descriptor));
        services_.aes_key = "0123456789abcdef0123456789abcdef";
    }

    // Empty when it was made and opened, else the error.
    std::string Make(std::string_view props, ActionOptions options = {}) {
        SinkSpec spec;
        spec.type = "wire";
        spec.props = std::move(*config::ParseJson(props));
        auto action = MakeAction(registry_, spec, options, services_);
        if (!action) {
            EXPECT_EQ(action.error().code, ErrorCode::kExecutor);
            return action.error().message;
        }
        action_ = std::move(*action);
        EXPECT_TRUE(action_->Open());
        return "";
    }
    // One result: a JSON array of rows.
    Flow Emit(std::string_view rows, bool is_error = false, bool from_nothing = false) {
        const Value list = ToValue(*config::ParseJson(rows), arena_);
        return action_->Emit({.rows = list.items(), .is_error = is_error, .from_nothing = from_nothing});
    }
    std::vector<std::string> Sent() { return std::exchange(wire_.messages, {}); }
    using Texts = std::vector<std::string>;

    io::VirtualScheduler scheduler_;
    Services services_;
    Registry registry_;
    Wire wire_;
    Arena arena_;
    std::unique_ptr<Action> action_;
};

TEST_F(ActionTest, AResultIsAnArrayAndWithSendSingleAMessagePerRow) {
    ASSERT_EQ(Make("{}"), "");
    Emit(R"([{"b":2,"a":1}])");
    Emit(R"([{"a":1},{"a":"<"}])");
    Emit("[]");
    EXPECT_EQ(Sent(), (Texts{R"([{"a":1,"b":2}])", R"([{"a":1},{"a":"\u003c"}])", "[]"}));
    ASSERT_EQ(Make(R"({"sendSingle":true})"), "");
    Emit(R"([{"a":1},{},{"a":2}])");
    EXPECT_EQ(Sent(), (Texts{R"({"a":1})", "{}", R"({"a":2})"}));
}

TEST_F(ActionTest, OmitIfEmptyLooksAtTheResultAndNotAtWhatIsLeftOfIt) {
    ASSERT_EQ(Make(R"({"omitIfEmpty":true})"), "");
    Emit("[]");
    Emit("[{}]");
    EXPECT_EQ(Sent(), Texts{"[{}]"});
    ASSERT_EQ(Make(R"({"omitIfEmpty":true,"sendSingle":true,"excludeFields":["a"]})"), "");
    Emit(R"([{},{"a":1}])");
    EXPECT_EQ(Sent(), Texts{"{}"});
}

TEST_F(ActionTest, OmitIfEmptyLeavesOutWhatAggregatesMakeOfAnEmptyWindow) {
    for (const char* props : {R"({"omitIfEmpty":true})", R"({"omitIfEmpty":true,"dataTemplate":"{}"})"}) {
        ASSERT_EQ(Make(props), "");
        Emit(R"([{"n":null}])", false, true);
        EXPECT_EQ(Sent(), Texts{}) << props;
    }
    ASSERT_EQ(Make("{}"), "");
    Emit("[{}]", false, true);
    EXPECT_EQ(Sent(), Texts{"[{}]"});
}

TEST_F(ActionTest, AMessageWithAFormForResendingIsCountedOnceInEveryStage) {
    services_.data_dir = testing::TempDir() + "/haumea-action-test";
    ASSERT_EQ(
        Make(R"({"enableCache":true,"resendIndicatorField":"late","compression":"gzip","encryption":"aes"})"),
        "");
    Emit(R"([{"a":1}])");
    scheduler_.RunPosted();
    EXPECT_EQ(Sent().size(), 1U);
    for (const auto& node : action_->nodes()) {
        EXPECT_EQ(node->records_in, 1) << node->name();
        EXPECT_EQ(node->records_out, 1) << node->name();
    }
}

TEST_F(ActionTest, FieldsKeepAndFillExcludeFieldsLeaveOut) {
    ASSERT_EQ(Make(R"({"fields":["zz","a","a"]})"), "");
    Emit(R"([{"a":1,"b":2}])");
    EXPECT_EQ(Sent(), Texts{R"([{"a":1,"zz":null}])"});
    ASSERT_EQ(Make(R"({"excludeFields":["a","zz"]})"), "");
    Emit(R"([{"a":1,"b":2}])");
    EXPECT_EQ(Sent(), Texts{R"([{"b":2}])"});
    EXPECT_EQ(Make(R"({"fields":["a"],"excludeFields":["b"]})"),
              "field and excludeFields cannot both be set");
}

TEST_F(ActionTest, DataFieldSendsTheValueOfTheFirstRow) {
    ActionOptions errors;
    errors.send_error = true;
    ASSERT_EQ(Make(R"({"dataField":"l","fields":["k"]})", errors), "");
    Emit(R"([{"l":[{"k":1,"m":2},{}]},{"l":[]}])");
    Emit(R"([{"l":{"k":3}}])");
    EXPECT_EQ(Sent(), (Texts{R"([{"k":1},{"k":null}])", R"({"k":3})"}));
    ASSERT_EQ(Make(R"({"dataField":"l"})", errors), "");
    Emit(R"([{"a":1}])");
    Emit(R"([{"l":[]}])");
    Emit(R"([{"l":"text"}])");
    EXPECT_EQ(Sent(), (Texts{R"([{"error":"receive unsupported data \u003cnil\u003e"}])", "[]",
                             R"([{"error":"invalid transform result type text"}])"}));
}

TEST_F(ActionTest, ATemplateIsTheMessageOrIsReadAgain) {
    ASSERT_EQ(Make(R"({"dataTemplate":"T:{{.a}}","sendSingle":true})"), "");
    Emit(R"([{"a":1},{"a":"x"}])");
    EXPECT_EQ(Sent(), (Texts{"T:1", "T:x"}));
    ASSERT_EQ(Make(R"({"dataTemplate":"{\"q\":{{.a}},\"r\":1}","fields":["q"],"sendSingle":true})"), "");
    Emit(R"([{"a":1}])");
    EXPECT_EQ(Sent(), Texts{R"({"q":1})"});
    EXPECT_NE(Make(R"({"dataTemplate":"{{.a"})").find("template: sink:1: unclosed action"),
              std::string::npos);
}

TEST_F(ActionTest, ATemplateBeyondItsLimitsLosesItsMessageOnly) {
    services_.template_limits = {.max_steps = 50, .max_output_bytes = 20};
    ASSERT_EQ(Make(R"({"dataTemplate":"{{range .l}}{{end}}{{.s}}","sendSingle":true})"), "");
    std::string many = "0";
    for (int i = 0; i < 100; ++i) {
        many += ",0";
    }
    Emit(R"([{"l":[)" + many + R"(],"s":""},{"l":[1],"s":"xxx"},{"l":[],"s":"123456789012345678901"}])");
    const Texts sent = Sent();
    ASSERT_EQ(sent.size(), 3U);
    EXPECT_NE(sent[0].find("more than 50 steps"), std::string::npos) << sent[0];
    EXPECT_EQ(sent[1], "xxx");
    EXPECT_NE(sent[2].find("larger than 20 bytes (sink.templateMaxBytes)"), std::string::npos) << sent[2];
}

TEST_F(ActionTest, ErrorRowsAreJsonAndSkipTheTransform) {
    ASSERT_EQ(Make(R"({"fields":["a"]})"), "");
    Emit(R"([{"error":"bad"}])", true);
    EXPECT_EQ(Sent(), Texts{R"([{"error":"bad"}])"});
    ASSERT_EQ(Make(R"({"sendSingle":true,"excludeFields":["error"]})"), "");
    Emit(R"([{"error":"bad"}])", true);
    EXPECT_EQ(Sent(), Texts{R"({"error":"bad"})"});
    ActionOptions silent;
    silent.send_error = false;
    ASSERT_EQ(Make("{}", silent), "");
    Emit(R"([{"error":"bad"}])", true);
    EXPECT_EQ(Sent(), Texts{});
}

TEST_F(ActionTest, ErrorRowsDoNotDisturbTheColumnsOfDelimitedData) {
    ASSERT_EQ(Make(R"({"format":"delimited","sendSingle":true})"), "");
    Emit(R"([{"error":"bad"}])", true);
    Emit(R"([{"a":1,"b":2}])");
    Emit(R"([{"error":"worse"}])", true);
    EXPECT_EQ(Sent(), (Texts{"bad", "1,2", "worse"}));
    ASSERT_EQ(Make(R"({"format":"delimited","fields":["b","a"],"hasHeader":true})"), "");
    Emit(R"([{"error":"bad"}])", true);
    EXPECT_EQ(Sent(), Texts{"error\nbad"});
}

TEST_F(ActionTest, ErrorRowsThatTheFormatCannotTakeAreJson) {
    ASSERT_EQ(Make(R"({"format":"urlencoded"})"), "");
    Emit(R"([{"error":"a b"}])", true);
    ASSERT_EQ(Make(R"({"format":"urlencoded","sendSingle":true})"), "");
    Emit(R"([{"error":"a b"}])", true);
    ASSERT_EQ(Make(R"({"format":"binary","sendSingle":true})"), "");
    Emit(R"([{"error":"a b"}])", true);
    EXPECT_EQ(Sent(), (Texts{R"([{"error":"a b"}])", "error=a+b", R"({"error":"a b"})"}));
}

TEST_F(ActionTest, WhatCannotBeEncodedIsCountedAtItsNode) {
    ActionOptions silent;
    silent.send_error = false;
    ASSERT_EQ(Make(R"({"format":"urlencoded"})", silent), "");
    Emit(R"([{"a":1}])");
    EXPECT_EQ(Sent(), Texts{});
    EXPECT_GE(action_->nodes()[1]->exceptions.load(), 1);
    ASSERT_EQ(Make(R"({"format":"URLencoded","sendSingle":true})"), "");
    Emit(R"([{"a":1,"b":"x y"}])");
    EXPECT_EQ(Sent(), Texts{"a=1&b=x+y"});
}

TEST_F(ActionTest, NodesAreNamedByTheirPlaceAndCount) {
    ASSERT_EQ(Make(R"({"compression":"gzip","encryption":"aes","batchSize":2})"), "");
    std::vector<std::string> names;
    for (const auto& node : action_->nodes()) {
        names.push_back(node->name());
    }
    EXPECT_EQ(names, (Texts{"wire_0_0_batch", "wire_0_1_transform", "wire_0_2_batchWriter",
                            "wire_0_3_compress", "wire_0_4_encrypt", "wire_0"}));
    Emit(R"([{"a":1}])");
    Emit(R"([{"a":2}])");
    EXPECT_EQ(action_->nodes()[0]->records_in.load(), 2);
    EXPECT_EQ(action_->nodes()[5]->records_in.load(), 1);
    EXPECT_EQ(action_->nodes()[5]->records_out.load(), 1);
    EXPECT_FALSE(wire_.text.back());
}

TEST_F(ActionTest, BatchesCountRowsAndJoinThem) {
    ASSERT_EQ(Make(R"({"batchSize":2,"sendSingle":true})"), "");
    Emit(R"([{"a":1},{"a":2},{"a":3}])");
    EXPECT_EQ(Sent(), Texts{R"([{"a":1},{"a":2}])"});
    EXPECT_EQ(action_->nodes()[0]->buffer_length.load(), 1);
    Emit(R"([{"a":4}])");
    EXPECT_EQ(Sent(), Texts{R"([{"a":3},{"a":4}])"});
    EXPECT_EQ(action_->nodes()[0]->buffer_length.load(), 0);
    ASSERT_EQ(Make(R"({"batchSize":2})"), "");
    Emit(R"([{"a":1}])");
    Emit(R"([{"a":2}])");
    EXPECT_EQ(Sent(), Texts{R"([[{"a":1}],[{"a":2}]])"});
    ASSERT_EQ(Make(R"({"batchSize":2,"format":"delimited"})"), "");
    for (int round = 0; round < 2; ++round) {
        Emit(R"([{"a":1,"b":2}])");
        Emit(R"([{"a":3}])");
        EXPECT_EQ(Sent(), Texts{"a,b\n1,2\n3,"});
    }
    ASSERT_EQ(Make(R"({"batchSize":1,"format":"delimited","delimiter":";","fields":["b","a"]})"), "");
    Emit(R"([{"a":1,"b":2},{"a":3,"b":4}])");
    EXPECT_EQ(Sent(), Texts{"b;a\n2;1\n4;3"});
    ASSERT_EQ(Make(R"({"batchSize":1,"format":"delimited","hasHeader":false})"), "");
    Emit(R"([{"a":1,"b":2}])");
    EXPECT_EQ(Sent(), Texts{"1,2"});
    ASSERT_EQ(Make(R"({"batchSize":2,"dataTemplate":"{\"x\":{{.a}}}","sendSingle":true})"), "");
    Emit(R"([{"a":1}])");
    Emit(R"([{"a":2}])");
    EXPECT_EQ(Sent(), Texts{R"([{"x":1},{"x":2}])"});
}

TEST_F(ActionTest, ABatchOfListsEndsWithTheListThatFillsIt) {
    ASSERT_EQ(Make(R"({"batchSize":3})"), "");
    Emit(R"([{"a":1},{"a":2}])");
    EXPECT_EQ(Sent(), Texts{});
    Emit(R"([{"a":3},{"a":4}])");
    EXPECT_EQ(Sent(), Texts{R"([[{"a":1},{"a":2}],[{"a":3},{"a":4}]])"});
    ASSERT_EQ(Make(R"({"batchSize":2})"), "");
    Emit("[]");
    Emit("[]");
    EXPECT_EQ(Sent(), Texts{"[[],[]]"});
}

TEST_F(ActionTest, ARowThatIsLeftOutDoesNotCountInItsBatch) {
    ASSERT_EQ(Make(R"({"batchSize":2,"sendSingle":true,"omitIfEmpty":true})"), "");
    Emit(R"([{"a":1},{},{},{"a":2}])");
    EXPECT_EQ(Sent(), Texts{R"([{"a":1},{"a":2}])"});
}

TEST_F(ActionTest, AnUnencodableItemDoesNotSpoilItsBatch) {
    ASSERT_EQ(Make(R"({"batchSize":2,"sendSingle":true})"), "");
    const Field bad{"a", Value::Double(1e308 * 10)};
    const Value rows[] = {Value::Object({&bad, 1})};
    action_->Emit({.rows = rows});
    Emit(R"([{"a":2}])");
    EXPECT_EQ(Sent(), Texts{R"({"error":"json: unsupported value: +Inf"})"});
    Emit(R"([{"a":3}])");
    EXPECT_EQ(Sent(), Texts{R"([{"a":2},{"a":3}])"});
}

TEST_F(ActionTest, LingerSendsWhatWaitsAndStopFlushesTheRest) {
    ASSERT_EQ(Make(R"({"lingerInterval":"100ms","sendSingle":true})"), "");
    scheduler_.AdvanceTo(50);
    Emit(R"([{"a":1}])");
    scheduler_.AdvanceTo(149);
    EXPECT_EQ(Sent(), Texts{});
    scheduler_.AdvanceTo(150);
    EXPECT_EQ(Sent(), Texts{R"([{"a":1}])"});
    Emit(R"([{"a":2}])");
    action_->Close();
    EXPECT_EQ(Sent(), Texts{R"([{"a":2}])"});
}

TEST_F(ActionTest, DynamicPropertiesComeFromTheRowOrTheList) {
    using Dynamic = std::vector<Texts>;
    ASSERT_EQ(
        Make(R"({"path":"/{{.a}}","requestHeader":{"X":"{{add .a 1}}"},"sendSingle":true,"fields":["b"]})"),
        "");
    Emit(R"([{"a":1,"b":2},{"a":3,"b":4}])");
    EXPECT_EQ(std::exchange(wire_.dynamic, {}), (Dynamic{{"/1", "2"}, {"/3", "4"}}));
    EXPECT_EQ(Sent(), (Texts{R"({"b":2})", R"({"b":4})"}));
    ASSERT_EQ(Make(R"({"path":"/{{len .}}/{{(index . 1).a}}"})"), "");
    Emit(R"([{"a":1},{"a":3}])");
    EXPECT_EQ(std::exchange(wire_.dynamic, {}), (Dynamic{{"/2/3"}}));
    ASSERT_EQ(Make(R"({"path":"/static","sendSingle":true})"), "");
    Emit(R"([{"a":1}])");
    EXPECT_EQ(std::exchange(wire_.dynamic, {}), (Dynamic{{}}));
}

TEST_F(ActionTest, ABatchGoesWhereItsLastRowSays) {
    ASSERT_EQ(Make(R"({"path":"/{{.a}}","sendSingle":true,"batchSize":2})"), "");
    Emit(R"([{"a":1},{"a":2},{"a":3}])");
    action_->Flush();
    EXPECT_EQ(std::exchange(wire_.dynamic, {}), (std::vector<Texts>{{"/2"}, {"/3"}}));
    ActionOptions silent;
    silent.send_error = false;
    ASSERT_EQ(Make(R"({"path":"/{{index .l 0}}","sendSingle":true,"batchSize":2,"format":"binary"})", silent),
              "");
    Emit(R"([{"l":["a"],"self":"1"},{"l":[],"self":"2"},{"l":["no self"]}])");
    action_->Flush();
    EXPECT_EQ(wire_.dynamic, (std::vector<Texts>{{"/a"}})) << "rows that are not in it have no say";
}

TEST_F(ActionTest, AMessageWithoutDestinationIsAnErrorAndErrorsFindTheirOwn) {
    ASSERT_EQ(Make(R"({"path":"{{if .error}}/errors{{else}}/{{index .l 0}}{{end}}","sendSingle":true})"), "");
    Emit(R"([{"l":[]},{"l":["x"]}])");
    EXPECT_EQ(wire_.dynamic, (std::vector<Texts>{{"/errors"}, {"/x"}}));
    EXPECT_NE(wire_.messages.at(0).find("fail to calculate props"), std::string::npos)
        << wire_.messages.at(0);
    EXPECT_EQ(action_->nodes()[0]->exceptions.load(), 1);
    EXPECT_NE(Make(R"({"path":"/{{.a"})").find("property path: template: sink:1: unclosed action"),
              std::string::npos);
}

TEST_F(ActionTest, ABlockedTransportLosesTheOldestCounted) {
    ASSERT_EQ(Make(R"({"bufferLength":2,"sendSingle":true})"), "");
    wire_.blocked = true;
    for (const char* row : {R"([{"a":1}])", R"([{"a":2}])", R"([{"a":3}])"}) {
        EXPECT_EQ(Emit(row), Flow::kContinue);
    }
    wire_.blocked = false;
    wire_.ready();
    EXPECT_EQ(Sent(), (Texts{R"({"a":2})", R"({"a":3})"}));
    EXPECT_EQ(action_->nodes().back()->dropped.load(), 1);
    EXPECT_EQ(action_->nodes().back()->records_out.load(), 2);
}

TEST_F(ActionTest, WithoutDiscardTheRuleWaitsAndNothingIsLost) {
    ActionOptions options;
    options.disable_buffer_full_discard = true;
    ASSERT_EQ(Make(R"({"bufferLength":2,"sendSingle":true})", options), "");
    bool resumed = false;
    action_->SetResumeCallback([&resumed] { resumed = true; });
    wire_.blocked = true;
    EXPECT_EQ(Emit(R"([{"a":1}])"), Flow::kContinue);
    EXPECT_EQ(Emit(R"([{"a":2}])"), Flow::kPause);
    EXPECT_EQ(Emit(R"([{"a":3}])"), Flow::kPause);
    wire_.blocked = false;
    wire_.ready();
    EXPECT_TRUE(resumed);
    EXPECT_EQ(Sent().size(), 3U);
    EXPECT_EQ(action_->nodes().back()->dropped.load(), 0);
}

TEST_F(ActionTest, OnlyValidTextIsCalledText) {
    ASSERT_EQ(Make(R"({"format":"delimited","sendSingle":true})"), "");
    const Field good{"a", Value::String("\xc3\xa9")};
    const Field bad{"a", Value::String("\xff")};
    for (const Field* field : {&good, &bad}) {
        const Value row = Value::Object({field, 1});
        action_->Emit({.rows = {&row, 1}});
    }
    EXPECT_EQ(wire_.text, (std::vector<bool>{true, false}));
}

TEST_F(ActionTest, CompressionComesLast) {
    ASSERT_EQ(Make(R"({"compression":"zlib"})"), "");
    Emit(R"([{"a":1}])");
    auto decompressor = std::move(*codec::MakeDecompressor("zlib"));
    BufferBuilder plain;
    std::string error;
    ASSERT_TRUE(decompressor->Decompress(wire_.messages.at(0), 1000, plain, error)) << error;
    EXPECT_EQ(plain.view(), R"([{"a":1}])");
}

TEST_F(ActionTest, WhatATemplateCutsInTheMiddleOfACharacterIsNoText) {
    for (const char* batch : {"0", "1"}) {
        wire_.text.clear();
        wire_.messages.clear();
        ASSERT_EQ(Make(fmt::format(
                      R"({{"dataTemplate":"{{{{trunc 2 .a}}}}","sendSingle":true,"batchSize":{}}})", batch)),
                  "");
        Emit(R"([{"a":"x\u00e9"}])");
        Emit(R"([{"a":"ab\u00e9"}])");
        ASSERT_EQ(wire_.text.size(), 2U);
        EXPECT_FALSE(wire_.text[0]) << "half a character: a text frame would end the connection";
        EXPECT_TRUE(wire_.text[1]);
    }
}

TEST_F(ActionTest, MistakesInPropertiesAreRefusedByName) {
    const std::pair<const char*, const char*> cases[] = {
        {R"({"batchSize":-1})", "invalid batchSize -1"},
        {R"({"lingerInterval":"x"})", "lingerInterval"},
        {R"({"compression":"lz4"})", "unsupported compressor: lz4"},
        {R"({"compression":"gzip","compressionProps":{"level":10}})",
         "compressionProps: level is 10, but has to lie between 0 and 9 for gzip"},
        {R"({"compression":"zstd","compressionProps":{"windowSize":1000}})", "power of two"},
        {R"({"encryption":"rot13"})", "encryptor 'rot13' is not supported"},
        {R"({"encryption":"default"})", "default encryption is not configured"},
        {R"({"encryption":"aes","encProps":{"mode":"ecb"}})", "unsupported AES encryption mode: ecb"},
        {R"({"format":"xml"})", "format type xml not supported"},
        {R"({"memoryCacheThreshold":100,"bufferPageSize":512})", "memoryCacheThresholdTooSmall"},
        {R"({"memoryCacheThreshold":100,"bufferPageSize":512})",
         "equal to bufferPageSize, but memoryCacheThreshold is 100 and bufferPageSize is 512"},
        {R"({"maxDiskCache":300})",
         "a multiple of bufferPageSize, but maxDiskCache is 300 and bufferPageSize is 256"},
        {R"({"resendPriority":5})", "resendPriority must be -1, 0 or 1, but it is 5"},
        {R"({"resendInterval":-1})", "resendInterval must be positive, but it is -1 ms"},
        {R"({"resendInterval":86400001})", "resendInterval must be at most 24h, but it is 86400001 ms"},
        {R"({"resendInterval":9300000000000})", "resendInterval must be at most 24h"},
        {R"({"resourceId":1})", "property resourceId is 1 (type integer), but a text in quotes is needed"},
        {R"({"connectionSelector":["a"]})", "property connectionSelector is"},
        {R"({"bufferLength":0})", "bufferLength is 0"},
        {R"({"sendSingle":1})", "sendSingle"},
    };
    for (const auto& [props, text] : cases) {
        EXPECT_NE(Make(props).find(text), std::string::npos) << props << " gives: " << Make(props);
    }
    services_.aes_key.clear();
    EXPECT_NE(Make(R"({"encryption":"aes"})").find("AES Key is not defined"), std::string::npos);
}

TEST_F(ActionTest, AnUnknownSinkTypeIsNamed) {
    SinkSpec spec;
    spec.type = "nosuch";
    EXPECT_EQ(MakeAction(registry_, spec, {}, services_).error().message, "unknown sink type nosuch");
}

}  // namespace
}  // namespace haumea::connect
