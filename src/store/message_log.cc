#include "store/message_log.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "store/sqlite_error.h"

namespace haumea::store {
namespace {

constexpr int kBusyTimeoutMs = 2'000;
constexpr int kFormat = 1;
constexpr uint64_t kKeepFileBytes = 16U << 20U;  // an empty file larger than this is given back
constexpr int64_t kMaxSeq = int64_t{1} << 62U;   // so many were never written; numbers go on behind the last
// Writes nothing to a file that exists: what a full disk holds has to be readable.
constexpr const char* kSetup =
    "PRAGMA page_size=8192;"
    "PRAGMA journal_mode=WAL;"
    "PRAGMA synchronous=NORMAL;"
    "PRAGMA cache_size=-1024;"
    "PRAGMA journal_size_limit=16777216;";
constexpr const char* kCreate =
    "CREATE TABLE IF NOT EXISTS message(seq INTEGER PRIMARY KEY, flags INTEGER NOT NULL, attributes BLOB, "
    "payload BLOB);"
    "PRAGMA user_version=1;";

// Damage has a code of its own: the file is of no use any more, while everything else may pass.
Error Failure(std::string_view action, const std::string& path, sqlite3* db, int code) {
    const bool damage = (code & 0xFF) == SQLITE_CORRUPT || (code & 0xFF) == SQLITE_NOTADB;
    Error error = SqliteError(action, path, db, code);
    return damage ? std::move(error).WithCode(MessageLog::kDamaged) : error;
}

// Of the file and its write-ahead log; what the file says of itself may be wrong.
int64_t BytesOnDisk(const std::string& path) {
    int64_t bytes = 0;
    for (const char* suffix : {"", "-wal"}) {
        std::error_code error;
        const auto size = std::filesystem::file_size(path + suffix, error);
        bytes += error ? 0 : static_cast<int64_t>(size);
    }
    return bytes;
}

// How far messages are done with, when the file itself cannot take that any more: to delete from it needs
// room. Its block is taken while there is some.
class Mark {
  public:
    static std::string PathOf(const std::string& log) { return log + "-mark"; }
    static void Make(const std::string& log) {
        const int fd = open(PathOf(log).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (fd >= 0) {
            static_cast<void>(
                posix_fallocate(fd, 0, kBytes));  // without it the mark may find no room, no more
            close(fd);
        }
    }
    // 0: none.
    static uint64_t Read(const std::string& log) {
        uint64_t seq = 0;
        const int fd = open(PathOf(log).c_str(), O_RDONLY | O_CLOEXEC);
        if (fd >= 0) {
            seq = pread(fd, &seq, sizeof seq, 0) == sizeof seq ? seq : 0;
            close(fd);
        }
        return seq;
    }
    static bool Write(const std::string& log, uint64_t seq) {
        const int fd = open(PathOf(log).c_str(), O_WRONLY | O_CLOEXEC);
        const bool done = fd >= 0 && pwrite(fd, &seq, sizeof seq, 0) == sizeof seq;
        if (fd >= 0) {
            close(fd);
        }
        return done;
    }

  private:
    static constexpr off_t kBytes = 4096;
};

}  // namespace

// The open file with its prepared statements.
struct MessageLog::Statements {
    sqlite3* db = nullptr;
    sqlite3_stmt* begin = nullptr;
    sqlite3_stmt* commit = nullptr;
    sqlite3_stmt* rollback = nullptr;
    sqlite3_stmt* insert = nullptr;
    sqlite3_stmt* forget = nullptr;
    sqlite3_stmt* select = nullptr;

    ~Statements() {
        for (sqlite3_stmt* statement : {begin, commit, rollback, insert, forget, select}) {
            sqlite3_finalize(statement);
        }
        sqlite3_close(db);
    }

    int Open(const std::string& path) {
        int code = sqlite3_open_v2(path.c_str(), &db,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
        if (code != SQLITE_OK) {
            return code;
        }
        sqlite3_busy_timeout(db, kBusyTimeoutMs);
        sqlite3_extended_result_codes(db, 1);
        code = sqlite3_exec(db, kSetup, nullptr, nullptr, nullptr);
        if (Number("PRAGMA user_version", code) == 0 && code == SQLITE_OK) {
            code = sqlite3_exec(db, kCreate, nullptr, nullptr, nullptr);
            Mark::Make(path);
        }
        const std::pair<sqlite3_stmt**, const char*> texts[] = {
            {&begin, "BEGIN IMMEDIATE"},
            {&commit, "COMMIT"},
            {&rollback, "ROLLBACK"},
            {&insert, "INSERT INTO message(seq, flags, attributes, payload) VALUES(?1, ?2, ?3, ?4)"},
            {&forget, "DELETE FROM message WHERE seq <= ?1"},
            {&select,
             "SELECT seq, flags, attributes, payload FROM message WHERE seq >= ?1 ORDER BY seq LIMIT ?2"},
        };
        for (const auto& [statement, text] : texts) {
            code = code == SQLITE_OK ? sqlite3_prepare_v2(db, text, -1, statement, nullptr) : code;
        }
        return code;
    }

    // Runs a statement that gives no rows, and makes it ready for the next use.
    static int Run(sqlite3_stmt* statement) {
        const int code = sqlite3_step(statement);
        sqlite3_reset(statement);
        return code == SQLITE_DONE ? SQLITE_OK : code;
    }
    int Insert(const LoggedMessage& message) {
        const std::string_view payload = message.payload.view();
        sqlite3_bind_int64(insert, 1, static_cast<sqlite3_int64>(message.seq));
        sqlite3_bind_int64(insert, 2, message.flags);
        if (message.attributes.empty()) {
            sqlite3_bind_null(insert, 3);
        } else {
            sqlite3_bind_blob64(insert, 3, message.attributes.data(), message.attributes.size(),
                                SQLITE_STATIC);
        }
        sqlite3_bind_blob64(insert, 4, payload.empty() ? "" : payload.data(), payload.size(), SQLITE_STATIC);
        return Run(insert);
    }
    int Forget(uint64_t through) {
        sqlite3_bind_int64(forget, 1, static_cast<sqlite3_int64>(through));
        return Run(forget);
    }
    // The one number that a query gives; 0 for NULL.
    int64_t Number(const char* sql, int& code) const {
        sqlite3_stmt* statement = nullptr;
        int64_t number = 0;
        if (code == SQLITE_OK) {
            code = sqlite3_prepare_v2(db, sql, -1, &statement, nullptr);
        }
        if (code == SQLITE_OK) {
            const int step = sqlite3_step(statement);
            number = step == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
            code = step == SQLITE_ROW ? SQLITE_OK : step;
        }
        sqlite3_finalize(statement);
        return number;
    }
};

MessageLog::MessageLog(std::string path) : path_(std::move(path)) {}
MessageLog::~MessageLog() = default;

Result<> MessageLog::OpenFile() {
    auto file = std::make_unique<Statements>();
    int code = file->Open(path_);
    const int64_t version = file->Number("PRAGMA user_version", code);
    int64_t first = file->Number("SELECT min(seq) FROM message", code);
    const int64_t last = file->Number("SELECT max(seq) FROM message", code);
    if (code == SQLITE_OK && first > 0 &&
        (last < first || last > kMaxSeq || last - first > BytesOnDisk(path_))) {
        code = SQLITE_CORRUPT;  // a message takes more than a byte: the numbers between are not there
    }
    if (code != SQLITE_OK) {
        return Fail(Failure("open", path_, file->db, code));
    }
    if (version > kFormat) {
        return Failf("cannot use {}: it has format {}, this version knows up to {}; upgrade haumea", path_,
                     version, kFormat);
    }
    file_ = std::move(file);
    if (first > 0) {
        first = std::clamp<int64_t>(static_cast<int64_t>(std::min<uint64_t>(Mark::Read(path_), kMaxSeq)) + 1,
                                    first, last + 1);
        first_ = static_cast<uint64_t>(first);
        last_ = static_cast<uint64_t>(last);
    }
    MeasureFile();
    return {};
}

Result<std::unique_ptr<MessageLog>> MessageLog::Open(std::string path) {
    auto log = std::unique_ptr<MessageLog>(new MessageLog(std::move(path)));
    // The folder is made at once: an empty log in a place that cannot be written is a mistake to be told
    // early.
    const std::filesystem::path folder = std::filesystem::path(log->path_).parent_path();
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (std::error_code unknown; !std::filesystem::is_directory(folder, unknown)) {
        return Failf(
            "cannot create the folder {}: {}; make its parent writable for the user that runs haumea",
            folder.string(), error ? error.message() : "a file of that name exists");
    }
    if (std::filesystem::exists(log->path_, error)) {
        HAUMEA_TRY_VOID(log->OpenFile());
    }
    return log;
}

Result<std::string> MessageLog::SetAside(const std::string& path) {
    constexpr int kMaxKept = 9;  // a disk that damages every file must not fill up
    std::string aside = path + ".damaged";
    std::error_code error;
    for (int i = 2; i <= kMaxKept && std::filesystem::exists(aside, error); ++i) {
        aside = fmt::format("{}.{}.damaged", path, i);
    }
    const bool taken = std::filesystem::exists(aside, error);
    std::filesystem::rename(path, aside, error);
    if (error) {
        return Failf("cannot move {} to {}: {}", path, aside, error.message());
    }
    HAUMEA_TRY_VOID(Remove(path));
    return taken ? aside + " (in place of an earlier one)" : aside;
}

Result<> MessageLog::Remove(const std::string& path) {
    for (const char* suffix : {"-wal", "-shm", "", "-mark"}) {
        std::error_code error;
        std::filesystem::remove(path + suffix, error);
        if (error) {
            return Failf("cannot delete {}{}: {}", path, suffix, error.message());
        }
    }
    return {};
}

void MessageLog::MeasureFile() {
    int code = SQLITE_OK;
    const int64_t pages = file_->Number("PRAGMA page_count", code);
    const int64_t unused = file_->Number("PRAGMA freelist_count", code);
    const int64_t page_bytes = file_->Number("PRAGMA page_size", code);
    used_bytes_ = code == SQLITE_OK ? static_cast<uint64_t>((pages - unused) * page_bytes) : used_bytes_;
}

void MessageLog::ShrinkWhenEmpty() {
    std::error_code error;
    if (last_ >= first_ || std::filesystem::file_size(path_, error) <= kKeepFileBytes || error) {
        return;
    }
    file_.reset();
    // A file that cannot be deleted serves on; it is opened again by the next write.
    static_cast<void>(Remove(path_));
    used_bytes_ = 0;
}

Result<> MessageLog::Write(uint64_t forget_through, std::span<const LoggedMessage> messages) {
    const bool forgets = forget_through >= first_ && last_ >= first_;
    if (messages.empty() && !forgets) {
        return {};
    }
    if (!file_) {
        const uint64_t first = first_;
        const uint64_t last = last_;
        HAUMEA_TRY_VOID(OpenFile());
        const bool foreign = last_ >= first_;
        first_ = first;  // the numbers go on
        last_ = last;
        if (foreign) {
            file_.reset();
            return Fail(Errorf(kDamaged, "{} has appeared with messages of another run", path_));
        }
    }
    bool no_room = false;
    if (auto done = Transact(forgets ? forget_through : 0, messages, no_room); !done) {
        if (!forgets || !no_room || !Mark::Write(path_, forget_through)) {
            return done;
        }
        return AfterMark(std::min(forget_through, last_), messages, std::move(done));
    }
    if (forgets) {
        first_ = std::min(forget_through, last_) + 1;
    }
    if (!messages.empty()) {
        first_ = last_ < first_ ? messages.front().seq : first_;
        last_ = messages.back().seq;
    }
    MeasureFile();
    ShrinkWhenEmpty();
    return {};
}

// The file took nothing, but it is noted that everything `through` is done with.
Result<> MessageLog::AfterMark(uint64_t through, std::span<const LoggedMessage> messages, Result<> failed) {
    first_ = through + 1;
    if (last_ < first_) {
        file_.reset();
        if (Remove(path_)) {  // which makes room
            used_bytes_ = 0;
            return Write(0, messages);
        }
    }
    return messages.empty() ? Result<>() : std::move(failed);
}

Result<> MessageLog::Transact(uint64_t forget_through, std::span<const LoggedMessage> messages,
                              bool& no_room) {
    int code = Statements::Run(file_->begin);
    if (code == SQLITE_OK && forget_through > 0) {
        code = file_->Forget(forget_through);
    }
    for (const LoggedMessage& message : messages) {
        code = code == SQLITE_OK ? file_->Insert(message) : code;
    }
    code = code == SQLITE_OK ? Statements::Run(file_->commit) : code;
    if (code == SQLITE_OK) {
        return {};
    }
    no_room = (code & 0xFF) == SQLITE_FULL || (code & 0xFF) == SQLITE_IOERR;
    Error error = Failure("write", path_, file_->db, code);
    if (sqlite3_get_autocommit(file_->db) == 0) {
        Statements::Run(file_->rollback);
    }
    return Fail(std::move(error));
}

Result<> MessageLog::Read(uint64_t from, size_t max_messages, size_t max_bytes,
                          std::vector<LoggedMessage>& out) {
    if (!file_ || last_ < first_) {
        return {};
    }
    sqlite3_stmt* select = file_->select;
    sqlite3_bind_int64(select, 1, static_cast<sqlite3_int64>(std::max(from, first_)));
    sqlite3_bind_int64(select, 2, static_cast<sqlite3_int64>(max_messages));
    size_t bytes = 0;
    int code = SQLITE_ROW;
    while (bytes < max_bytes && (code = sqlite3_step(select)) == SQLITE_ROW) {
        LoggedMessage& message = out.emplace_back();
        message.seq = static_cast<uint64_t>(sqlite3_column_int64(select, 0));
        message.flags = static_cast<uint32_t>(sqlite3_column_int64(select, 1));
        const auto blob = [select](int column) {
            const auto* data = static_cast<const char*>(sqlite3_column_blob(select, column));
            return std::string_view(data == nullptr ? "" : data,
                                    static_cast<size_t>(sqlite3_column_bytes(select, column)));
        };
        message.attributes = blob(2);
        message.payload = BufferView::Copy(blob(3));
        bytes += message.payload.len;
    }
    sqlite3_reset(select);
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        return Fail(Failure("read", path_, file_->db, code));
    }
    return {};
}

}  // namespace haumea::store
