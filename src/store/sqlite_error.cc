#include "store/sqlite_error.h"

#include <sqlite3.h>

namespace haumea::store {

std::string_view SqliteRemedy(int code) {
    switch (code & 0xFF) {
        case SQLITE_FULL:
            return "the disk is full: free some space and try again";
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_AUTH:
            return "make the file and its folder writable for the user that runs haumea";
        case SQLITE_CANTOPEN:
            return "check that the folder exists and is writable for the user that runs haumea";
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
            return "another process uses the file: stop it, or choose another data folder";
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
            return "restore the file from a backup, or move it away to start empty";
        case SQLITE_IOERR:
            return "check the disk (dmesg) and the free space";
        default:
            return "see the log of the system";
    }
}

Error SqliteError(std::string_view action, std::string_view path, sqlite3* db, int code) {
    const char* reason = db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(code);
    return Errorf(ErrorCode::kIo, "cannot {} {}: {}; {}", action, path, reason, SqliteRemedy(code));
}

}  // namespace haumea::store
