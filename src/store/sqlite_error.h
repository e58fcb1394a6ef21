#pragma once

#include <string_view>

#include "base/error.h"

struct sqlite3;

namespace haumea::store {

// "cannot <action> <path>: <what SQLite says>; <what a person can do about it>", with code kIo. `db` may be
// null. The thread that uses `db`.
Error SqliteError(std::string_view action, std::string_view path, sqlite3* db, int code);
// The remedy alone.
std::string_view SqliteRemedy(int code);

}  // namespace haumea::store
