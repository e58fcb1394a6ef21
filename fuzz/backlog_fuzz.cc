#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "connect/backlog.h"
#include "connect/backlog_record.h"
#include "fuzz_input.h"
#include "io/virtual_scheduler.h"

// The first byte chooses: any bytes as the attributes of one record, or as the file that an earlier run has
// left of an action's cache. What can be read is sent in order and once; a damaged file costs the messages in
// it, which are counted, and nothing else: what is new is taken and given back.

namespace {

namespace fs = std::filesystem;

using haumea::BufferView;
using haumea::connect::Backlog;
using haumea::connect::EncodedMessage;

void FuzzRecord(std::string_view bytes) {
    const EncodedMessage message = haumea::connect::FromRecord(
        {.seq = 1, .flags = 1, .payload = BufferView::Copy("x"), .attributes = std::string(bytes)});
    const EncodedMessage again = haumea::connect::FromRecord(haumea::connect::ToRecord(1, message));
    if (again.dynamic != message.dynamic) {
        std::abort();
    }
}

void FuzzFile(std::string_view bytes) {
    const auto folder = haumea::fuzz::Folder() / "cache";
    std::filesystem::remove_all(folder);
    std::filesystem::create_directories(folder);
    const auto file = folder / "a.db";
    std::ofstream(file, std::ios::binary) << bytes;

    haumea::io::VirtualScheduler scheduler(1'000'000);
    const auto disk = [&scheduler](const std::function<void()>& work, std::function<void()> then) {
        work();
        scheduler.Post(std::move(then));
        return true;
    };
    uint64_t dropped = 0;
    const auto backlog = std::make_shared<Backlog>(
        scheduler, disk, Backlog::Settings{.file = file.string(), .memory_messages = 8, .page_messages = 4},
        Backlog::Events{[] {}, [] {}, [&dropped](uint64_t count) { dropped += count; },
                        [](const std::string&) {}, [] {}});
    backlog->Open();
    scheduler.RunPosted();
    EncodedMessage message;
    message.payload = BufferView::Copy("new");
    backlog->Append(std::move(message));
    uint64_t last = 0;
    bool found = false;
    // A damaged file may claim any number of messages; a thousand are enough to see that they come in order.
    for (int i = 0; i < 1000 && !found; ++i) {
        Backlog::Entry* entry = backlog->PeekUnsent();
        if (entry == nullptr) {
            scheduler.RunPosted();
            entry = backlog->PeekUnsent();
        }
        if (entry == nullptr) {
            break;
        }
        if (entry->seq <= last && last != 0) {
            std::abort();
        }
        last = entry->seq;
        found = entry->message.payload.view() == "new";
        backlog->MarkSent(false);
        backlog->ConfirmThrough(last);
        scheduler.RunPosted();
    }
    // Behind older ones it is written to their file, and goes with it when that turns out to be damaged:
    // counted.
    if (!found && backlog->size() == 0 && dropped == 0) {
        std::abort();
    }
    backlog->Close(false);
    scheduler.RunPosted();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    return haumea::fuzz::Choose(data, size, std::array{&FuzzRecord, &FuzzFile});
}
