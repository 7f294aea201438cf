-- Metres between two points by the equirectangular approximation: under 0.1%
-- off at city distances, and far cheaper than a haversine.
create or replace macro distance_m(lat1, lon1, lat2, lon2) as
    111195.0 * sqrt(
        power(lat2 - lat1, 2) + power((lon2 - lon1) * cos(radians((lat1 + lat2) / 2)), 2)
    );

-- A point outside the globe is no point, nor is the origin, where lost
-- coordinates end up.
create or replace macro is_on_globe(lat, lon) as
    lat between -90 and 90 and lon between -180 and 180 and (lat <> 0 or lon <> 0);
