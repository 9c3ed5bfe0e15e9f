#!/usr/bin/env bash
# Make the film of the demo anew: HLS in two sizes, from four pictures of the collection and a tone.
# It needs ffmpeg (made with Debian's 7.1) and the demo's environment. The captions and the order of
# the scenes belong together.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rm -rf 360p 180p master.m3u8

inputs=()
for scene in mountains dunes northern-lights city; do
    ffmpeg -v error -i "../collection/$scene.webp" -frames:v 1 \
        -vf "scale=2560:1440:force_original_aspect_ratio=increase,crop=2560:1440" "$work/$scene.png"
    inputs+=(-i "$work/$scene.png")
done
../../.venv/bin/python -c "
import sys
from PIL import Image
Image.open(sys.argv[1]).convert('RGB').resize((960, 540)).save('poster.webp', quality=72, method=6)
" "$work/northern-lights.png"

# Each scene has 4.75 s, of which 0.75 s overlap the next; part says how much of it is over.
part="on/114" size="d=114:s=640x360:fps=24,setsar=1"
graph="[0:v]zoompan=z='1.05+0.25*$part':x='(iw-iw/zoom)/2':y='(ih-ih/zoom)*0.6':${size}[v0];
[1:v]zoompan=z='1.3':x='(iw-iw/zoom)*$part':y='(ih-ih/zoom)*0.7':${size}[v1];
[2:v]zoompan=z='1.35-0.25*$part':x='(iw-iw/zoom)/2':y='(ih-ih/zoom)*0.3':${size}[v2];
[3:v]zoompan=z='1.25':x='(iw-iw/zoom)*(1-$part)':y='(ih-ih/zoom)/2':${size}[v3];
[v0][v1]xfade=duration=0.75:offset=4[a];[a][v2]xfade=duration=0.75:offset=8[b];
[b][v3]xfade=duration=0.75:offset=12,format=yuv420p,split[large][s];[s]scale=320:180[small];
aevalsrc='0.06*(sin(2*PI*220*t)+0.7*sin(2*PI*277.18*t)+0.6*sin(2*PI*329.63*t))*(0.6+0.4*sin(PI*t/2))'
:s=44100:d=16,afade=t=in:d=0.5,afade=t=out:st=15.2:d=0.8,asplit[t1][t2]"

ffmpeg -v error "${inputs[@]}" -filter_complex "$graph" -t 16 \
    -map '[large]' -map '[t1]' -map '[small]' -map '[t2]' \
    -c:v libx264 -preset veryslow -profile:v main -tune animation -crf:v:0 29 -crf:v:1 32 \
    -g 48 -keyint_min 48 -sc_threshold 0 -c:a aac -b:a 32k -ac 1 \
    -f hls -hls_time 2 -hls_playlist_type vod -hls_flags independent_segments \
    -hls_segment_type fmp4 -hls_fmp4_init_filename init.mp4 \
    -var_stream_map "v:0,a:0,name:360p v:1,a:1,name:180p" -master_pl_name master.m3u8 \
    -hls_segment_filename '%v/part%d.m4s' '%v/index.m3u8'
du -sb .
