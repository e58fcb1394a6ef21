#include "base/regular_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/error_text.h"

namespace haumea {
namespace {

constexpr mode_t kPermissions = 0666;  // less what the umask takes away

int FlagsOf(FileMode mode) {
    switch (mode) {
        case FileMode::kRead:
            return O_RDONLY;
        case FileMode::kAppend:
            return O_WRONLY | O_CREAT | O_APPEND;
        case FileMode::kOverwrite:
            return O_WRONLY | O_CREAT;  // emptied when it is known to be a file
    }
    return O_RDONLY;
}

}  // namespace

Result<FilePtr> OpenRegularFile(const std::string& path, FileMode mode) {
    // Without O_NONBLOCK the opening of a pipe waits for its other end.
    const int descriptor =
        open(path.c_str(), FlagsOf(mode) | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, kPermissions);
    if (descriptor < 0) {
        return Failf("{}", errno == ENXIO ? std::string("it is no regular file") : ErrorText(errno));
    }
    struct stat info{};
    if (fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode) ||
        (mode == FileMode::kOverwrite && ftruncate(descriptor, 0) != 0)) {
        const int reason = errno;
        const bool is_regular = S_ISREG(info.st_mode);
        close(descriptor);
        return is_regular ? Failf("{}", ErrorText(reason))
                          : Failf("it is {}", S_ISDIR(info.st_mode) ? "a folder" : "no regular file");
    }
    FilePtr file(fdopen(descriptor, mode == FileMode::kRead ? "r" : mode == FileMode::kAppend ? "a" : "w"));
    if (!file) {
        close(descriptor);
        return Failf("not enough memory");
    }
    return file;
}

}  // namespace haumea
