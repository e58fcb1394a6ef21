#include "base/allocation_count.h"

#ifdef HAUMEA_COUNTS_ALLOCATIONS
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "connect/node_value.h"
#include "connect/registry.h"
#include "connect/services.h"
#include "io/virtual_scheduler.h"

namespace haumea::connect {
namespace {

class CountingSink final : public MessageSink {
  public:
    explicit CountingSink(size_t& messages) : messages_(&messages) {}
    Result<void> Open(metrics::NodeStats&) override { return {}; }
    Delivery Send(const EncodedMessage&) noexcept override {
        ++*messages_;
        return Delivery::kAccepted;
    }
    void SetReadyCallback(std::function<void()>) override {}
    void Close() override {}

  private:
    size_t* messages_;
};

struct Case {
    std::string name;
    std::string props;
    size_t messages;  // per result of two rows

    friend void PrintTo(const Case& tested, std::ostream* out) { *out << tested.props; }
};

class ActionAllocation : public testing::TestWithParam<Case> {};

// The buffer of a message comes from a pool; everything else is reused.
TEST_P(ActionAllocation, AMessageCostsNoneAfterWarmUp) {
    constexpr size_t kResults = 200;
    io::VirtualScheduler scheduler;
    Services services(scheduler);
    services.aes_key = "0123456789abcdef0123456789abcdef";
    size_t messages = 0;
    Registry registry;
    SinkDescriptor descriptor;
    descriptor.type = "wire";
    descriptor.make_message_sink = [&](const SinkSpec&, Services&) -> Result<std::unique_ptr<MessageSink>> {
        return std::make_unique<CountingSink>(messages);
    };
    registry.Add(std::move(descriptor));
    SinkSpec spec;
    spec.type = "wire";
    spec.props = std::move(*config::ParseJson(GetParam().props));
    auto action = MakeAction(registry, spec, {}, services);
    ASSERT_TRUE(action) << action.error().message;
    ASSERT_TRUE((*action)->Open());
    Arena arena;
    const Value rows =
        ToValue(*config::ParseJson(
                    R"([{"id":1,"name":"a name beyond the short string","t":21.5},{"id":2,"t":-1e-7}])"),
                arena);
    const auto emit = [&] {
        for (size_t i = 0; i < kResults; ++i) {
            (*action)->Emit({.rows = rows.items()});
        }
    };
    emit();
    const size_t before = allocation_count.load();
    emit();
    EXPECT_EQ(allocation_count.load() - before, 0U);
    EXPECT_EQ(messages, 2 * kResults * GetParam().messages);
}

INSTANTIATE_TEST_SUITE_P(
    Actions, ActionAllocation,
    testing::Values(
        Case{"plain", "{}", 1}, Case{"single", R"({"sendSingle":true})", 2},
        Case{"fields", R"({"fields":["id","t"]})", 1},
        Case{"excluded", R"({"excludeFields":["name"],"sendSingle":true})", 2},
        Case{"template", R"({"dataTemplate":"{\"id\":{{.id}},\"n\":\"{{.name}}\"}","sendSingle":true})", 2},
        Case{"template_read_again",
             R"({"dataTemplate":"{\"id\":{{.id}},\"x\":1}","fields":["x"],"sendSingle":true})", 2},
        Case{"delimited", R"({"format":"delimited"})", 1},
        Case{"urlencoded", R"({"format":"urlencoded","sendSingle":true})", 2},
        Case{"batch", R"({"batchSize":2,"sendSingle":true})", 1},
        Case{"gzip", R"({"compression":"gzip"})", 1}, Case{"zstd", R"({"compression":"zstd"})", 1},
        Case{"aes", R"({"encryption":"aes"})", 1},
        Case{"cfb", R"({"encryption":"aes","encProps":{"mode":"cfb"}})", 1},
        Case{
            "all",
            R"({"dataTemplate":"{{.id}}","sendSingle":true,"batchSize":2,"compression":"zstd","encryption":"aes"})",
            1}),
    [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace haumea::connect

#endif
