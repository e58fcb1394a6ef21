#include "ws/hub_test_support.h"

#include <random>

namespace haumea::ws {
namespace {

TEST_F(HubTest, MessageWithoutClientIsDroppedAndCounted) {
    Make();
    EXPECT_EQ(Publish("a"), Publication::kNoClient);
    EXPECT_EQ(hub_->stats().no_client, 1U);
    EXPECT_EQ(hub_->stats().published, 0U);
}

TEST_F(HubTest, BurstOfOneTurnLeavesInOneWritePerClient) {
    Make();
    auto a = Client();
    auto b = Client();
    EXPECT_EQ(Publish("abcdef"), Publication::kAccepted);
    EXPECT_TRUE(a->got.empty());
    Turn();
    EXPECT_EQ(a->Letters(), "abcdef");
    EXPECT_EQ(b->Letters(), "abcdef");
    EXPECT_EQ(a->writes, 1U);
    EXPECT_EQ(hub_->stats().deliveries, 12U);
    EXPECT_EQ(hub_->stats().log_messages, 0U);
}

TEST_F(HubTest, NewClientGetsItsFirstBytesAndThenWhatIsPublishedAfter) {
    Make();
    auto early = Client();
    Publish("a");
    auto late = Client("HEAD");
    Publish("b");
    Turn();
    EXPECT_EQ(early->Letters(), "ab");
    EXPECT_EQ(late->got, std::string("HEAD\x81\x01") + "b");
}

TEST_F(HubTest, PartialFrameGoesOnWhereItStoppedAndControlFramesComeAtItsEnd) {
    Make();
    auto client = Client();
    client->room = 4;
    Publish("ab");
    Turn();
    EXPECT_TRUE(client->waiting);
    hub_->QueueControl(*client, "P!!");
    client->Open(SIZE_MAX);
    Turn();
    EXPECT_EQ(client->got, std::string("\x81\x01") + "a\x81\x01" + "bP!!");
}

TEST_F(HubTest, LargeMessageGoesOutWholeThroughASocketThatTakesLittleAtATime) {
    Make();
    auto client = Client();
    client->per_write = 100;
    hub_->Publish(Frame(std::string(10'000, 'x')));
    Turn();
    EXPECT_EQ(client->got.size(), 10'004U);
}

TEST_F(HubTest, PublishingWithoutATurnSendsInlineAndLosesNothing) {
    Make();
    auto client = Client();
    for (int i = 0; i < 5000; ++i) {
        ASSERT_EQ(Publish("x"), Publication::kAccepted);
    }
    Turn();
    EXPECT_EQ(client->Letters().size(), 5000U);
    EXPECT_EQ(client->dropped(), 0U);
}

TEST_F(HubTest, LagOfOurOwnPausesThePublisherAndDropsNothing) {
    Make({4, 1000}, SlowConsumer::kDropOldest);
    std::vector<std::unique_ptr<FakeClient>> clients;
    for (int i = 0; i < 2000; ++i) {
        clients.push_back(Client());
    }
    Turn();
    size_t accepted = 0;
    for (Publication last = Publication::kAccepted; last == Publication::kAccepted && accepted < 100'000;) {
        last = Publish("x");
        accepted += last == Publication::kAccepted ? 1 : 0;
    }
    EXPECT_TRUE(hub_->wants_pause());
    EXPECT_LE(accepted, 10U * Hub::kHard.messages);
    Turn();
    EXPECT_EQ(ready_calls_, 1);
    EXPECT_FALSE(hub_->wants_pause());
    for (const auto& client : clients) {
        ASSERT_EQ(client->Letters().size(), accepted);
    }
}

TEST_F(HubTest, AMessageForThousandsLetsOthersRunInBetween) {
    Make();
    std::vector<std::unique_ptr<FakeClient>> clients;
    for (int i = 0; i < 5000; ++i) {
        clients.push_back(Client());
    }
    const auto served = [&] {
        return std::count_if(clients.begin(), clients.end(),
                             [](const auto& client) { return client->writes != 0; });
    };
    Publish("a");
    std::vector<int64_t> seen;  // how many had theirs when another task of the loop had its turn
    std::function<void()> other = [&] {
        seen.push_back(served());
        if (seen.back() != 5000) {
            scheduler_.Post(other);
        }
    };
    scheduler_.Post(other);
    Turn();
    EXPECT_EQ(served(), 5000);
    for (size_t i = 1; i < seen.size(); ++i) {
        EXPECT_LE(seen[i] - seen[i - 1], 256);
    }
    EXPECT_GE(seen.size(), 19U);
}

TEST_F(HubTest, FinishSendsWhatWaitsThenTheLastBytesOnce) {
    Make();
    auto client = Client();
    client->room = 0;
    Publish("ab");
    Turn();
    hub_->Finish(*client, "BYE", Hub::Waiting::kSend);
    EXPECT_EQ(Publish("c"), Publication::kNoClient);
    EXPECT_FALSE(client->drained);
    client->Open(SIZE_MAX);
    Turn();
    EXPECT_EQ(client->got, std::string("\x81\x01") + "a\x81\x01" + "bBYE");
    EXPECT_TRUE(client->drained);
}

TEST_F(HubTest, FailedWriteRemovesTheClientOnly) {
    Make();
    auto bad = Client();
    auto good = Client();
    bad->failing = true;
    Publish("a");
    Turn();
    EXPECT_TRUE(bad->failed);
    EXPECT_EQ(good->Letters(), "a");
    EXPECT_EQ(hub_->stats().dropped_on_close, 1U);
    EXPECT_EQ(Publish("b"), Publication::kAccepted);
    Turn();
    EXPECT_EQ(good->Letters(), "ab");
}

// Clients of random speed, coming and going: what each got is in order, and whatever is missing was counted.
TEST_F(HubTest, RandomSpeedsNeverReorderAndEveryGapIsCounted) {
    Make({16, 2000}, SlowConsumer::kDropOldest);
    uint32_t seed = 7;
    const auto random = [&seed](uint32_t n) { return (seed = seed * 1664525U + 1013904223U) % n; };
    std::vector<std::unique_ptr<FakeClient>> clients;
    for (int i = 0; i < 20; ++i) {
        clients.push_back(Client());
    }
    constexpr int kMessages = 3000;
    for (int i = 0; i < kMessages; ++i) {
        hub_->Publish(Frame(fmt::format("{:06}", i)));
        if (random(3) == 0) {
            Turn();
        }
        FakeClient& client = *clients[random(20)];
        if (random(2) == 0) {
            client.room = 0;
        } else {
            client.Open(random(400));
        }
    }
    for (const auto& client : clients) {
        for (int i = 0; i < 100 && (client->waiting || i == 0); ++i) {
            client->Open(SIZE_MAX);
        }
        client->room = SIZE_MAX;
    }
    Turn();
    for (const auto& client : clients) {
        ASSERT_EQ(client->got.size() % 8, 0U);
        int last = -1;
        for (size_t at = 0; at < client->got.size(); at += 8) {
            ASSERT_EQ(client->got[at], '\x81');
            const int number = std::stoi(client->got.substr(at + 2, 6));
            ASSERT_GT(number, last);
            last = number;
        }
        EXPECT_EQ(last, kMessages - 1);
        EXPECT_EQ(client->got.size() / 8 + client->dropped(), static_cast<size_t>(kMessages));
    }
    EXPECT_EQ(hub_->stats().log_messages, 0U);
}

// Joined and lone messages, small and large ones, plain and deflated clients, sockets that take any number of
// bytes at any time, one client that is far behind.
TEST_F(HubTest, EveryClientGetsItsStreamByteForByteHoweverItsSocketTakesIt) {
    Make({.messages = 1'000'000, .bytes = 1U << 30U}, SlowConsumer::kDropOldest);
    uint32_t random = 1;
    const auto below = [&random](uint32_t limit) {
        random = random * 1'664'525U + 1'013'904'223U;
        return (random >> 8U) % limit;
    };
    SharedDeflaters deflaters;
    WireFormSet forms;
    forms.Add({15});
    std::vector<std::unique_ptr<FakeClient>> clients;
    std::vector<WireForm> form_of;
    for (int i = 0; i < 8; ++i) {
        clients.push_back(std::make_unique<FakeClient>(*hub_));
        form_of.push_back({static_cast<uint8_t>(i % 3 == 1 ? 15 : 0)});
        hub_->Add(*clients.back(), form_of.back(), "");
        clients.back()->per_write = i % 2 == 0 ? SIZE_MAX : 1000 + below(50'000);
    }
    clients[0]->room = 0;  // takes nothing before the end
    std::vector<std::string> expected(clients.size());
    for (int message = 0; message < 8000; ++message) {
        const size_t size = below(50) == 0 ? below(9000) : below(400);
        std::string text(size, 'x');
        for (size_t i = 0; i < size; i += 1 + below(60)) {
            text[i] = static_cast<char>('a' + below(26));
        }
        const auto frame = PreparedFrame::Make(Opcode::kText, BufferView::Copy(text),
                                               {.forms = forms, .deflaters = &deflaters});
        for (size_t i = 0; i < clients.size(); ++i) {
            std::array<iovec, 2> parts;
            const size_t count = frame->Gather(form_of[i], 0, parts);
            for (size_t part = 0; part < count; ++part) {
                expected[i].append(static_cast<const char*>(parts[part].iov_base), parts[part].iov_len);
            }
        }
        while (hub_->Publish(frame) == Publication::kBlocked) {
            Turn();
        }
        if (below(20) == 0) {
            Turn();
        }
        clients[1 + below(7)]->Open(below(3) == 0 ? SIZE_MAX : below(20'000));
    }
    for (const auto& client : clients) {
        client->Open(SIZE_MAX);
        Turn();
    }
    for (size_t i = 0; i < clients.size(); ++i) {
        ASSERT_EQ(clients[i]->got.size(), expected[i].size()) << i;
        ASSERT_TRUE(clients[i]->got == expected[i]) << i;
    }
    EXPECT_EQ(hub_->stats().deliveries, clients.size() * 8000U);
    EXPECT_EQ(hub_->stats().log_messages, 0U);
}

TEST_F(HubTest, WhatWaitsForManyClientsLeavesInFewPieces) {
    Make();
    std::vector<std::unique_ptr<FakeClient>> clients;
    for (int i = 0; i < 4; ++i) {
        clients.push_back(Client());
    }
    Publish(std::string(60, 'm'));
    Turn();
    for (const auto& client : clients) {
        EXPECT_EQ(client->Letters(), std::string(60, 'm'));
        EXPECT_LE(client->pieces, 2U);  // the first came alone
    }
}

}  // namespace
}  // namespace haumea::ws
