#include "connect/leftovers.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "connect/arrange_caches.h"
#include "connect/backlog_record.h"
#include "connect/cache_farewells.h"
#include "connect/cache_file.h"
#include "store/message_log.h"

namespace haumea::connect {
namespace {

constexpr size_t kMostBytes = 16U << 20U;

// On the disk thread.
Leftovers Read(const std::string& file, size_t most) {
    Leftovers left;
    // A cache per destination becomes one queue.
    if (auto arranged = ArrangeCaches(file, {}); !arranged.error.empty()) {
        left.error = std::move(arranged.error);
        return left;
    }
    auto log = store::MessageLog::Open(file);
    if (!log) {
        left.error = std::move(log.error().message);
        return left;
    }
    const uint64_t count = std::min<uint64_t>((*log)->size(), most);
    std::vector<store::LoggedMessage> records;
    if (count > 0) {
        const uint64_t first = (*log)->last() + 1 - count;
        if (auto read = (*log)->Read(first, count, kMostBytes, records); !read) {
            left.error = std::move(read.error().message);
            return left;
        }
    }
    left.missed = (*log)->size() - records.size();
    std::transform(std::make_move_iterator(records.begin()), std::make_move_iterator(records.end()),
                   std::back_inserter(left.messages), FromRecord);
    return left;
}

}  // namespace

bool MayHaveLeftovers(Services& services, const std::string& file) {
    std::error_code error;
    return (services.cache_farewells != nullptr && services.cache_farewells->HasLeft(file)) ||
           std::filesystem::exists(file, error) || std::filesystem::exists(DestinationFolder(file), error);
}

void ReadLeftovers(Services& services, const std::string& file, size_t most,
                   std::function<void(Leftovers)> then) {
    auto read = [disk = DiskOf(services), file, most, then = std::move(then)] {
        auto left = std::make_shared<Leftovers>();
        const bool taken =
            disk([left, file, most] { *left = Read(file, most); }, [left, then] { then(std::move(*left)); });
        if (!taken) {
            then(Leftovers{.messages = {}, .missed = 0, .error = "the disk thread has too much to do"});
        }
    };
    if (services.cache_farewells != nullptr) {
        services.cache_farewells->WhenFree(file, std::move(read));
    } else {
        read();
    }
}

void ForgetLeftovers(Services& services, const std::string& file) {
    const auto forget = [file] {
        if (auto removed = store::MessageLog::Remove(file); !removed) {
            log::Warn("{}", removed.error().message);
        }
    };
    static_cast<void>(DiskOf(services)(forget, [] {}));
}

}  // namespace haumea::connect
