# Varnish before the paywall: /etc/varnish/default.vcl
vcl 4.1;

backend paywall {
    .host = "127.0.0.1";
    .port = "8000";
}

# Varnish by itself passes whatever has a cookie. Our answers say themselves for whom they are.
sub vcl_req_cookie {
    return;
}

sub vcl_deliver {
    if (obj.hits > 0) {
        set resp.http.X-Cache = "HIT";
    } else if (!resp.http.X-Cache) {
        set resp.http.X-Cache = "MISS";
    }
}
