#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <mutex>

#include "store/kv.h"
#include "store/sqlite_error.h"

namespace haumea::store {
namespace {

constexpr int kBusyTimeoutMs = 5'000;
constexpr int kFormat = 1;  // PRAGMA user_version of files that this version writes

class Connection {
  public:
    explicit Connection(std::string path) : path_(std::move(path)) {}
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() { sqlite3_close(db_); }

    Result<> Open() {
        // Definitions hold tokens and keys: a file that is made here is its owner's alone. SQLite makes the
        // files beside it like it, and says what is wrong when this fails.
        if (const int made = open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600); made >= 0) {
            close(made);
        }
        const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
        if (const int code = sqlite3_open_v2(path_.c_str(), &db_, flags, nullptr); code != SQLITE_OK) {
            return Failure("open", code);
        }
        sqlite3_busy_timeout(db_, kBusyTimeoutMs);
        sqlite3_extended_result_codes(db_, 1);
        HAUMEA_TRY_VOID(Execute("PRAGMA journal_mode=WAL"));
        HAUMEA_TRY_VOID(Execute("PRAGMA synchronous=FULL"));
        return {};
    }

    Result<> Execute(const char* sql) {
        const int code = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
        return code == SQLITE_OK ? Result<>() : Failure("write", code);
    }

    tl::unexpected<Error> Failure(std::string_view action, int code) const {
        return Fail(SqliteError(action, path_, db_, code));
    }

    const std::string& path() const { return path_; }
    sqlite3* db() { return db_; }
    std::mutex& mutex() { return mutex_; }

  private:
    std::string path_;
    sqlite3* db_ = nullptr;
    // Protects db_. Held while SQLite works on the disk: that is its purpose, one statement at a time.
    std::mutex mutex_;
};

// One prepared statement in use: bind, step, finalise. Parameters must outlive it.
class Statement {
  public:
    Statement(Connection& connection, const char* sql) : connection_(connection) {
        code_ = sqlite3_prepare_v2(connection_.db(), sql, -1, &statement_, nullptr);
    }
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;
    ~Statement() { sqlite3_finalize(statement_); }

    Statement& Bind(std::string_view text) {
        if (code_ == SQLITE_OK) {
            const char* data = text.data() != nullptr ? text.data() : "";
            code_ = sqlite3_bind_text64(statement_, ++bound_, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
        }
        return *this;
    }
    // True while there are rows.
    Result<bool> Step(std::string_view action) {
        if (code_ == SQLITE_OK) {
            const int code = sqlite3_step(statement_);
            if (code == SQLITE_ROW || code == SQLITE_DONE) {
                return code == SQLITE_ROW;
            }
            code_ = code;
        }
        return connection_.Failure(action, code_);
    }
    std::string Column(int index) {
        const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_, index));
        return bytes == nullptr
                   ? std::string()
                   : std::string(bytes, static_cast<size_t>(sqlite3_column_bytes(statement_, index)));
    }
    int64_t Integer(int index) { return sqlite3_column_int64(statement_, index); }

  private:
    Connection& connection_;
    sqlite3_stmt* statement_ = nullptr;
    int bound_ = 0;
    int code_ = SQLITE_OK;
};

class SqliteTable final : public KeyValue {
  public:
    SqliteTable(Connection& connection, std::string name) : connection_(connection), name_(std::move(name)) {}

    Result<std::optional<std::string>> Get(std::string_view key) const override {
        const std::lock_guard lock(connection_.mutex());
        Statement get(connection_, "SELECT value FROM kv WHERE space=? AND key=?");
        HAUMEA_TRY(const bool found, get.Bind(name_).Bind(key).Step("read"));
        return found ? std::optional(get.Column(0)) : std::nullopt;
    }
    Result<> Set(std::string_view key, std::string_view value) override {
        const std::lock_guard lock(connection_.mutex());
        Statement set(connection_,
                      "INSERT INTO kv(space,key,value) VALUES(?,?,?) "
                      "ON CONFLICT(space,key) DO UPDATE SET value=excluded.value");
        HAUMEA_TRY([[maybe_unused]] const bool row, set.Bind(name_).Bind(key).Bind(value).Step("write"));
        return {};
    }
    Result<bool> SetNew(std::string_view key, std::string_view value) override {
        const std::lock_guard lock(connection_.mutex());
        Statement set(connection_, "INSERT OR IGNORE INTO kv(space,key,value) VALUES(?,?,?)");
        HAUMEA_TRY([[maybe_unused]] const bool row, set.Bind(name_).Bind(key).Bind(value).Step("write"));
        return sqlite3_changes(connection_.db()) > 0;
    }
    Result<bool> Delete(std::string_view key) override {
        const std::lock_guard lock(connection_.mutex());
        Statement erase(connection_, "DELETE FROM kv WHERE space=? AND key=?");
        HAUMEA_TRY([[maybe_unused]] const bool row, erase.Bind(name_).Bind(key).Step("write"));
        return sqlite3_changes(connection_.db()) > 0;
    }
    Result<std::vector<std::string>> Keys() const override {
        const std::lock_guard lock(connection_.mutex());
        Statement list(connection_, "SELECT key FROM kv WHERE space=? ORDER BY key");
        list.Bind(name_);
        std::vector<std::string> keys;
        while (true) {
            HAUMEA_TRY(const bool row, list.Step("read"));
            if (!row) {
                return keys;
            }
            keys.push_back(list.Column(0));
        }
    }
    Result<std::vector<Entry>> All() const override {
        const std::lock_guard lock(connection_.mutex());
        Statement list(connection_, "SELECT key, value FROM kv WHERE space=? ORDER BY key");
        list.Bind(name_);
        std::vector<Entry> entries;
        while (true) {
            HAUMEA_TRY(const bool row, list.Step("read"));
            if (!row) {
                return entries;
            }
            entries.emplace_back(list.Column(0), list.Column(1));
        }
    }

  private:
    Connection& connection_;
    std::string name_;
};

class SqliteStore final : public Store {
  public:
    explicit SqliteStore(const std::string& path) : connection_(path) {}

    Result<> Open() {
        HAUMEA_TRY_VOID(connection_.Open());
        HAUMEA_TRY_VOID(CheckFormat());
        HAUMEA_TRY_VOID(connection_.Execute(
            "CREATE TABLE IF NOT EXISTS kv(space TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, "
            "PRIMARY KEY(space, key)) WITHOUT ROWID"));
        return connection_.Execute(fmt::format("PRAGMA user_version={}", kFormat).c_str());
    }
    KeyValue& Table(std::string_view name) override {
        const std::lock_guard lock(mutex_);
        return tables_.try_emplace(std::string(name), connection_, std::string(name)).first->second;
    }

  private:
    // Damage is found at start, where somebody looks, and not in the middle of the night.
    Result<> CheckFormat() {
        {
            Statement check(connection_, "PRAGMA quick_check(1)");
            HAUMEA_TRY(const bool row, check.Step("read"));
            if (const std::string verdict = row ? check.Column(0) : "ok"; verdict != "ok") {
                return Fail(Errorf(ErrorCode::kIo, "cannot read {}: {}; {}", connection_.path(), verdict,
                                   SqliteRemedy(SQLITE_CORRUPT)));
            }
        }
        Statement version(connection_, "PRAGMA user_version");
        HAUMEA_TRY(const bool row, version.Step("read"));
        if (const int64_t found = row ? version.Integer(0) : 0; found > kFormat) {
            return Fail(Errorf(ErrorCode::kIo,
                               "cannot use {}: it has format {}, this version knows up to {}; upgrade haumea",
                               connection_.path(), found, kFormat));
        }
        return {};
    }

    Connection connection_;
    std::mutex mutex_;  // protects tables_
    std::map<std::string, SqliteTable> tables_;
};

}  // namespace

Result<std::unique_ptr<Store>> OpenSqliteStore(const std::string& path) {
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    if (std::error_code error; !folder.empty() && !std::filesystem::exists(folder, error)) {
        std::filesystem::create_directories(folder, error);
        if (error) {
            return Fail(Errorf(ErrorCode::kIo,
                               "cannot create the data folder {}: {}; choose another with --data",
                               folder.string(), error.message()));
        }
    }
    auto store = std::make_unique<SqliteStore>(path);
    HAUMEA_TRY_VOID(store->Open());
    return std::unique_ptr<Store>(std::move(store));
}

}  // namespace haumea::store
