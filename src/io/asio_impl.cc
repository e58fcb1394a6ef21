// The one place where Asio's own sources are compiled (BOOST_ASIO_SEPARATE_COMPILATION).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <boost/asio/impl/src.hpp>
#pragma GCC diagnostic pop
