#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

// Runs a fuzz target without a fuzzer: every file given or found below the folders given, and with `--mutate
// N` also N random variations of each. Exit status 0 unless the target aborts or nothing was found. With a
// clang build the fuzzer itself takes the place of this file.

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<uint8_t>;

Bytes ReadFile(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return Bytes(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

// The input at hand, for a crash to leave behind.
Bytes g_input;

void Try(const Bytes& bytes) {
    g_input = bytes;
    LLVMFuzzerTestOneInput(g_input.data(), g_input.size());
}

extern "C" void OnAbort(int) {
    if (std::FILE* file = std::fopen("crash-input", "wb"); file != nullptr) {
        std::fwrite(g_input.data(), 1, g_input.size(), file);
        std::fclose(file);
        std::fputs("the input was written to crash-input\n", stderr);
    }
}

// Cuts, doubles, overwrites and flips; deterministic.
Bytes Mutate(Bytes bytes, std::mt19937& random) {
    const auto below = [&random](size_t bound) {
        return static_cast<size_t>(random() % std::max<size_t>(bound, 1));
    };
    for (size_t changes = 1 + below(4); changes > 0 && !bytes.empty(); --changes) {
        const size_t at = below(bytes.size());
        const auto place = bytes.begin() + static_cast<std::ptrdiff_t>(at);
        switch (below(5)) {
            case 0:
                bytes[at] = static_cast<uint8_t>(bytes[at] ^ (1U << below(8)));
                break;
            case 1:
                bytes[at] = static_cast<uint8_t>(random());
                break;
            case 2:
                bytes.erase(place, place + static_cast<std::ptrdiff_t>(1 + below(bytes.size() - at)));
                break;
            case 3: {
                const Bytes copy(place, place + static_cast<std::ptrdiff_t>(
                                                    1 + below(std::min<size_t>(bytes.size() - at, 64))));
                bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(below(bytes.size())), copy.begin(),
                             copy.end());
                break;
            }
            default:
                bytes.insert(place, static_cast<uint8_t>(random()));
                break;
        }
    }
    return bytes;
}

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGABRT, OnAbort);
    std::vector<fs::path> files;
    long mutations = 0;
    for (int i = 1; i < argc; ++i) {
        const fs::path path(argv[i]);
        if (path == "--mutate" && i + 1 < argc) {
            mutations = std::strtol(argv[++i], nullptr, 10);
        } else if (fs::is_directory(path)) {
            for (const auto& entry : fs::recursive_directory_iterator(path)) {
                if (entry.is_regular_file()) {
                    files.push_back(entry.path());
                }
            }
        } else {
            files.push_back(path);
        }
    }
    std::sort(files.begin(), files.end());
    std::mt19937 random(1);
    for (const fs::path& path : files) {
        const Bytes bytes = ReadFile(path);
        // Named first, so that a crash tells its input.
        std::printf("%s\n", path.c_str());
        std::fflush(stdout);
        Try(bytes);
        for (long i = 0; i < mutations; ++i) {
            Try(Mutate(bytes, random));
        }
    }
    std::printf("%zu inputs, %ld variations of each\n", files.size(), mutations);
    return files.empty() ? 1 : 0;
}
