#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "store/message_log.h"

// Any bytes as the file of a cache: opening, reading and writing end in messages or in an error, never in a
// crash, the second time too.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using haumea::store::MessageLog;
    static const std::string path =
        (std::filesystem::temp_directory_path() / ("haumea-cache-fuzz-" + std::to_string(getpid()) + ".db"))
            .string();
    static_cast<void>(MessageLog::Remove(path));
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
    for (int opening = 0; opening < 2; ++opening) {
        auto log = MessageLog::Open(path);
        if (!log) {
            break;
        }
        std::vector<haumea::store::LoggedMessage> messages;
        static_cast<void>((*log)->Read((*log)->first(), 1000, 1U << 20U, messages));
        std::vector<haumea::store::LoggedMessage> one(1);
        one[0].seq = (*log)->last() + 1;
        one[0].payload = haumea::BufferView::Copy("{}");
        static_cast<void>((*log)->Write((*log)->first(), one));
    }
    static_cast<void>(MessageLog::Remove(path));
    return 0;
}
